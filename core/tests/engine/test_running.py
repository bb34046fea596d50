"""Stages in turn: what a crash of a later one leaves is cut back too."""

import json
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.observers import Observer
from contrast.engine.running import Session, carry_on
from contrast.forms import Views
from contrast.interfaces import Parts, Sampler
from contrast.recipe import ObjectivePart, RunConfig, Settings, Stage, TrainerConfig


class Rows(Sampler):
    steps_per_epoch = 2

    def draw(self, at):
        return torch.randn(4, 3, generator=at.shared("rows"))

    def ids(self, batch):
        return list(range(len(batch)))


class Encoder(nn.Linear):
    def forward(self, batch):
        return Views(super().forward(batch)[None])


class Plain(Stage):
    def __init__(self, name):
        self.name = name

    def build(self, config, earlier, at):
        return Parts(None, Rows(), Encoder(3, 2), lambda form: form.z.square().mean())


class Crash(Observer):
    def on_step(self, stage, step, values):
        if (stage, step) == ("second", 3):
            raise RuntimeError("crash")


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setattr("contrast.reporting.write_report", lambda path: None)
    stages = Plain("first"), Plain("second")
    trainer = TrainerConfig(max_epochs=3, device="cpu", checkpoint_every=0)
    chosen = {"objective": ObjectivePart("squares", Settings, "", reads=Views)}
    trainers = {stage.name: trainer for stage in stages}
    recipe = SimpleNamespace(stages=stages)
    config = RunConfig("toy", recipe, 0, "paper", chosen, None, None, None, None, trainers)
    folder = RunFolder.create(tmp_path, "run", {}, World())
    return lambda observer: Session(config, folder, World(), observer)


def test_a_stage_that_begins_again_after_a_crash_leaves_no_line_twice(session):
    with pytest.raises(RuntimeError, match="crash"):
        carry_on(session(Crash()))
    result = carry_on(session(Observer()))
    assert result.state == "done"
    for file, key in (("metrics.jsonl", "step"), ("times.jsonl", "epoch")):
        lines = map(json.loads, (result.folder / file).read_text().splitlines())
        found = [(line["stage"], line[key]) for line in lines]
        last = max(number for _, number in found)
        first = min(number for _, number in found)
        wanted = range(first, last + 1)
        assert found == [(stage, n) for stage in ("first", "second") for n in wanted]
