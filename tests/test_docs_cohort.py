"""The walk from a list of patients and controls to neighbours runs as it is shown."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_docs import DOCS, blocks, commands

from contrast.cli import main
from contrast.config import resolve


def run(words):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code


def test_the_walk_from_a_cohort_to_neighbours_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, shown = {}, []
    for language, title, text in blocks("own-cohort.md"):
        if language == "python":
            exec(compile(text, "own-cohort.md", "exec"), names)
        elif language == "yaml":
            Path(title).write_text(text)
        for words in commands(text) if language == "console" else ():
            shown.append(words)
            if not any(word in ("data=folders", "data=volumes") for word in words):
                run(words)
    found = json.loads(Path("runs/sepclr-table-seed0/evaluation/separate.json").read_text())
    assert found["metrics"]["severity/salient"] > found["metrics"]["severity/common"]
    assert len(names["alike"]) == 5
    assert Path("spaces.parquet").is_file()
    assert "sub-" in capsys.readouterr().out
    (volumes,) = [words[2:] for words in shown if "data=volumes" in words]
    assert resolve("sepclr", volumes).config.data.file == "t1w"


def test_two_folders_of_images_are_run_as_the_walk_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for kind in ("healthy", "ill"):
        Path(kind).mkdir()
        for i in range(5):
            pixels = draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(f"{kind}/{i}.png")
    text = (DOCS / "own-cohort.md").read_text()
    (words,) = [words for words in commands(text) if "data=folders" in words]
    assert words[-1] == "data.side=96"
    run([*words[:-1], "data.side=8", "trainer.max_steps=1"])
