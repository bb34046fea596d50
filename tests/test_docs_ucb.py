"""Contrastive UCB's pages hold what they show."""

import re
from pathlib import Path

import pytest
from test_docs import DOCS, blocks, commands

from contrast.cli import main
from contrast.config import resolve, write


def test_the_walk_from_arrays_to_a_policy_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-environment.md"):
        if language == "python":
            exec(compile(text, "own-environment.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            with pytest.raises(SystemExit) as ended:
                main(words)
            assert ended.value.code == 0
    assert names["earned"] == pytest.approx(names["run"].data.optimal_value, abs=0.1)
    assert len(list(Path("runs").iterdir())) == 1


def test_the_settings_of_contrastive_ucb_are_those_of_the_page():
    rows = re.findall(
        r"^\| `(\w+\.\w+)` \| `(.*?)` \|", (DOCS / "methods/ucb.md").read_text(), re.MULTILINE
    )
    real = {entry.key: write(entry.value) for entry in resolve("ucb", []).entries}
    assert len(rows) >= 12
    assert dict(rows).items() <= real.items()
