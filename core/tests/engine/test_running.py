"""Stages in turn: what a crash of a later one leaves is cut back too."""

import json
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from contrast import api
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.observers import Observer
from contrast.engine.running import Session, carry_on
from contrast.engine.stopping import Stopped
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


class Interrupt(Observer):
    """Sends the signal while a stage trains, or is evaluated."""

    def __init__(self, stage, event):
        setattr(self, event, lambda name, *_: name == stage and os.kill(os.getpid(), signal.SIGINT))


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


def test_a_signal_in_the_last_evaluation_leaves_a_run_that_is_done_and_says_so(session):
    with pytest.raises(Stopped, match="the run is done") as stopped:
        carry_on(session(Interrupt("second", "on_evaluation")))
    assert stopped.value.exit_code == 130
    assert session(Observer()).folder.record()["state"] == "done"


@pytest.mark.parametrize(("stage", "event"), [("first", "on_evaluation"), ("second", "on_start")])
def test_an_earlier_signal_leaves_a_run_to_go_on_with(session, stage, event):
    with pytest.raises(Stopped, match="go on with `contrast resume"):
        carry_on(session(Interrupt(stage, event)))
    assert session(Observer()).folder.record()["state"] == "stopped"
    assert carry_on(session(Observer())).state == "done"


def test_a_failed_run_that_is_resumed_no_longer_says_why_it_failed(session, monkeypatch):
    with pytest.raises(RuntimeError, match="crash"):
        carry_on(session(Crash()))
    opened = session(Observer())
    assert opened.folder.record()["reason"] == "crash"
    monkeypatch.setattr(api, "_open", lambda folder, world: (opened.folder, opened.config))
    assert api.resume(opened.folder.path).state == "done"
    assert not opened.folder.record()["reason"]


def test_what_is_loaded_is_in_evaluation_mode(session, monkeypatch):
    opened = session(Observer())
    carry_on(opened)
    monkeypatch.setattr(api, "_open", lambda folder: (opened.folder, opened.config))
    assert not api.load(opened.folder.path).encoder.training
