"""The pages on alignment hold what they show."""

import json
import re
import sys
from pathlib import Path

import pytest
from test_docs import DOCS, blocks, commands, resolves

from contrast.cli import main
from contrast.config import resolve, write
from contrast_alignment.recipe import OBJECTIVES

METHOD = DOCS / "methods/alignment.md"


def run(words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code, words


def test_the_walk_from_records_to_an_aligned_model_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for language, _, text in blocks("own-preferences.md"):
        if language == "python":
            exec(compile(text, "own-preferences.md", "exec"), names)
        for words in commands(text) if language == "console" else ():
            run(words)
    assert names["answer"].strip().endswith(".")
    assert len(names["answer"]) < 12  # short answers were preferred
    adapted = Path("runs/adapted")
    assert {"model", "adapter"} <= {path.name for path in adapted.iterdir()}
    metrics = json.loads((adapted / "evaluation/align.json").read_text())["metrics"]
    assert metrics["held_out/accuracy"] > 0.9


def test_the_settings_of_alignment_are_those_of_the_page():
    sets = ("topics", "records", "hh_harmless")  # the first: no preset
    columns = {
        data: {e.key: write(e.value) for e in resolve("alignment", [f"data={data}"]).entries}
        for data in sets
    }
    rows = re.findall(
        r"^\| `(\w+\.[\w.]+)` \|" + r"(.*?)\|" * len(sets), METHOD.read_text(), re.MULTILINE
    )
    assert len(rows) >= 20
    for key, *cells in rows:
        default, *shown = (cell.strip(" `") for cell in cells)
        assert (columns["topics"].get(key) or "–") == default, key
        for cell, data in zip(shown, sets[1:], strict=True):
            assert (columns[data].get(key) or "–") == (cell or default), (key, data)


def test_every_objective_stands_on_the_page_and_exists():
    text = METHOD.read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(contrast_alignment[\w.]+)` \|$", text, re.M))
    assert set(rows) == {part.name for part in OBJECTIVES}
    assert all(map(resolves, rows.values()))
    for name in re.findall(r"`(contrast_alignment(?:\.\w+)+)`", text):
        assert resolves(name), name


@pytest.fixture
def mine_is_forgotten():
    """Other tests have modules of this name, too."""
    yield
    sys.modules.pop("mine", None)


@pytest.mark.usefixtures("mine_is_forgotten")
def test_the_objective_of_ten_lines_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = [text for _, title, text in blocks("methods/alignment.md") if title == "mine.py"]
    Path("mine.py").write_text(code)
    (words,) = [each for each in commands(METHOD.read_text()) if "objective=own" in each]
    small = ("data.prompts=6", "encoder.width=16", "encoder.layers=1", "evaluation.prompts=2")
    run([*words, *small, "trainer.max_steps=2", "trainer.sft.max_steps=1"])


def test_every_command_of_the_page_can_be_resolved():
    for words in commands(METHOD.read_text()):
        if words[0] == "run":
            resolve("alignment", [word for word in words[1:] if not word.startswith("--")])
