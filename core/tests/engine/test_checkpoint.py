import os

import pytest
import torch

from contrast.engine.checkpoint import (
    last_of_stage,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from contrast.errors import CheckpointError


@pytest.fixture
def saved(tmp_path):
    for step in (5, 10, 15):
        save_checkpoint(tmp_path, "train", step, {"model": {"w": torch.ones(3) * step}}, keep=2)
    return tmp_path


def test_latest_names_the_newest_and_only_the_newest_are_kept(saved):
    assert latest_checkpoint(saved).name == "train-00000015"
    assert sorted(p.name for p in saved.glob("train-*")) == ["train-00000010", "train-00000015"]
    assert load_checkpoint(latest_checkpoint(saved), "model")["model"]["w"].tolist() == [15.0] * 3


def test_stages_are_pruned_apart_even_when_one_name_begins_with_another(saved):
    save_checkpoint(saved, "train-more", 1, {"model": {}}, keep=1)
    save_checkpoint(saved, "train", 20, {"model": {}}, keep=1)
    assert last_of_stage(saved, "train-more").name == "train-more-00000001"
    assert last_of_stage(saved, "train").name == "train-00000020"


def test_stages_may_be_numbered(saved):
    save_checkpoint(saved, "train-2", 1, {"model": {}}, keep=1)
    save_checkpoint(saved, "train", 20, {"model": {}}, keep=1)
    assert last_of_stage(saved, "train-2").name == "train-2-00000001"
    assert last_of_stage(saved, "train").name == "train-00000020"


@pytest.mark.parametrize("file", ["model.safetensors", "model.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_file_is_named_with_the_way_out(saved, file, damage):
    path = latest_checkpoint(saved) / file
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content[:-3] if damage == "cut" else b"#" + content[1:])
    with pytest.raises(
        CheckpointError, match=r"(?s)train-00000015 is damaged.*train-00000010"
    ) as e:
        load_checkpoint(latest_checkpoint(saved), "model")
    assert file in str(e.value)


def test_a_crash_while_writing_leaves_the_last_one_in_force(saved, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(saved, "train", 20, {"model": {"w": torch.zeros(3)}}, keep=2)
    monkeypatch.undo()
    assert latest_checkpoint(saved).name == "train-00000015"
    load_checkpoint(latest_checkpoint(saved), "model")
    save_checkpoint(saved, "train", 20, {"model": {"w": torch.zeros(3)}}, keep=2)
    assert latest_checkpoint(saved).name == "train-00000020"


def test_a_stage_without_checkpoint_says_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match="contrast run"):
        last_of_stage(tmp_path, "train")
