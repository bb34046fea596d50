import json

import pytest

from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.errors import RunFolderError


def create(root, name="run"):
    return RunFolder.create(root, name, {"plugin": "toy"}, World())


def test_a_run_folder_is_never_reused(tmp_path):
    names = [create(tmp_path).path.name for _ in range(3)]
    assert names == ["run", "run-2", "run-3"]


def test_strange_names_stay_inside_the_root(tmp_path):
    assert create(tmp_path, "../a b/c").path.parent == tmp_path.resolve()


def test_metrics_and_times_are_cut_back_to_a_checkpoint(tmp_path):
    folder = create(tmp_path)
    folder.write_metrics({"step": 0, "loss": 1.0})
    length = folder.metrics_length()
    for step in (0, 1):
        folder.write_times({"stage": "train", "step": step, "seconds": 0.1})
    folder.write_metrics({"step": 1, "loss": float("nan")})
    lines = (folder.path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[1]) == {"step": 1, "loss": None}
    folder.rewind("train", 1, length)
    assert len((folder.path / "times.jsonl").read_text().splitlines()) == 1
    assert (folder.path / "metrics.jsonl").read_text().splitlines() == lines[:1]


def test_what_is_no_run_folder_is_named_with_the_nearest_one(tmp_path):
    create(tmp_path, "meow-acm-seed0")
    with pytest.raises(RunFolderError, match="did you mean `meow-acm-seed0`"):
        RunFolder.open(tmp_path / "meow-acm-seed1")


def test_a_file_in_place_of_the_root_is_told(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunFolderError, match="a file stands in its place"):
        create(tmp_path / "runs")


def test_a_damaged_record_is_told(tmp_path):
    folder = create(tmp_path)
    (folder.path / "run.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"run\.json cannot be read"):
        RunFolder.open(folder.path).record()
