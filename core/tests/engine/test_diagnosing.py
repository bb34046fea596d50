"""The look at a stage's last batch: when there is one, what it reads, that it leaves no trace."""

import json
from dataclasses import dataclass

import pytest
import torch
from torch import nn

from contrast.engine.diagnosing import diagnose_stage, pairs_of, temperature_of
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.loop import Loop, weights
from contrast.engine.observers import Observer
from contrast.forms import Lists, Pairs, Views, over
from contrast.interfaces import Parts, Sampler
from contrast.objectives.infonce import InfoNCE
from contrast.objectives.isogclr import ISogCLR
from contrast.recipe import ObjectivePart, RunConfig, Settings, Stage, TrainerConfig
from contrast.testing.processes import in_processes

X = torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@dataclass(frozen=True)
class Batch:
    x: torch.Tensor = over(1)
    rows: torch.Tensor = over(0)


class Slices(Sampler):
    related = 0

    def draw(self, at):
        rows = torch.arange(12).tensor_split(at.world_size)[at.rank]
        return Batch(X[:, rows], rows)

    def relate(self, form, at):
        self.related += 1
        return form

    def ids(self, batch):
        return batch.rows.tolist()


class Rows(nn.Module):
    def __init__(self, of_views=Views):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
        self.of_views = of_views

    def forward(self, batch):
        z = self.layers(batch.x.flatten(0, 1)).unflatten(0, batch.x.shape[:2])
        if self.of_views is Lists:
            return Lists(z[0])
        return Views(z, labels=batch.rows % 3)


class Length(nn.Module):
    def forward(self, form):
        return form.scores.square().mean()


def trained(folder, world=World(), objective=None, reads=Pairs, of_views=Views, **trainer):
    trainer = TrainerConfig(
        max_epochs=3, precision="float64", device="cpu", checkpoint_every=0, **trainer
    )
    parts = Parts(None, Slices(), Rows(of_views), objective or InfoNCE(temperature=0.3))
    chosen = {"objective": ObjectivePart("any", Settings, "", reads=reads)}
    config = RunConfig("toy", None, 0, "paper", chosen, None, None, None, None, {"train": trainer})
    run = RunFolder(folder, world)
    loop = Loop(Stage(), parts, config, run, world=world, observer=Observer())
    assert loop.run(lambda: False)
    return loop


def found(folder):
    return json.loads((folder / "diagnostics" / "train.json").read_text())


def test_the_last_batch_is_looked_at_at_the_objectives_temperature(tmp_path):
    diagnose_stage(trained(tmp_path))
    diagnosis = found(tmp_path)
    assert diagnosis["temperature"] == pytest.approx(0.3)
    assert diagnosis["assumed"] is False
    assert diagnosis["numbers"]["anchors"] == diagnosis["numbers"]["candidates"] == 12
    assert -1 <= diagnosis["numbers"]["tolerance"] <= 1


def test_looking_leaves_no_trace_in_training(tmp_path):
    loop = trained(tmp_path)
    before, state = weights(loop.parts, copied=True), torch.get_rng_state()
    related = loop.parts.sampler.related
    diagnose_stage(loop)
    assert torch.equal(torch.get_rng_state(), state)
    assert loop.parts.sampler.related == related
    assert loop.parts.encoder.training
    for name, value in weights(loop.parts)["encoder"].items():
        assert torch.equal(value, before["encoder"][name])
    assert all(p.grad is None for p in loop.parts.encoder.parameters())


def test_looking_twice_gives_the_same(tmp_path):
    loop = trained(tmp_path)
    diagnose_stage(loop)
    first = found(tmp_path)
    torch.manual_seed(5)
    diagnose_stage(loop)
    assert found(tmp_path) == first


def test_a_form_that_is_not_of_pairs_gives_nothing(tmp_path):
    diagnose_stage(trained(tmp_path, objective=Length(), reads=Lists, of_views=Lists))
    assert not (tmp_path / "diagnostics").exists()


def test_a_stage_that_trained_nothing_gives_nothing(tmp_path):
    loop = trained(tmp_path)
    loop.work = None
    diagnose_stage(loop)
    assert not (tmp_path / "diagnostics").exists()


def _look(world, folder):
    diagnose_stage(trained(folder, world))


def test_processes_look_at_the_batch_of_all(tmp_path):
    in_processes(2, _look, tmp_path)
    assert found(tmp_path)["numbers"]["candidates"] == 12


def test_views_are_pairs_only_if_there_are_two():
    z = torch.ones(2, 3, 4)
    assert pairs_of(Views(z)).candidates is not None
    assert pairs_of(Views(z[:1])) is pairs_of(Views(torch.ones(3, 3, 4))) is None
    assert pairs_of(Lists(z[0])) is None
    assert pairs_of(Pairs(z[0], z[0, :2])) is None
    assert pairs_of(Pairs(z[0], z[0])) is not None


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (InfoNCE(temperature=0.2), 0.2),
        (InfoNCE(temperature=0.2, learn_temperature=True), 0.2),
        (ISogCLR(samples=4), None),
        (Length(), None),
        (len, None),
    ],
)
def test_a_temperature_is_read_where_there_is_one_number(objective, expected):
    assert temperature_of(objective) == (expected and pytest.approx(expected))
