"""A step on several processes is the step of one, micro-batches change nothing but memory."""

from dataclasses import dataclass
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.optim import SGD

from contrast.engine.distribution import World
from contrast.engine.work import Clock, Group, LoopWork
from contrast.errors import ConfigError
from contrast.forms import Pairs, Views, over
from contrast.interfaces import Moment, Parts, Sampler
from contrast.objectives.infonce import InfoNCE
from contrast.primitives import gather
from contrast.recipe import ObjectivePart, Settings, TrainerConfig
from contrast.testing.processes import in_processes

CUTS = {1: [], 2: [3], 3: [2, 7]}
X = torch.randn(2, 12, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@dataclass(frozen=True)
class Batch:
    x: torch.Tensor = over(1)
    ids: torch.Tensor = over(0)


class Slices(Sampler):
    def __init__(self, shared=False):
        self.shared = shared

    def draw(self, at):
        ids = torch.arange(12)
        mine = ids if self.shared else ids.tensor_split(CUTS[at.world_size])[at.rank]
        return Batch(X[:, mine], mine)

    def ids(self, batch):
        return batch.ids.tolist()


class Rows(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        torch.manual_seed(1)
        self.layers = nn.Sequential(nn.Linear(5, 8), nn.Dropout(dropout), nn.Linear(8, 3)).double()

    def forward(self, batch):
        return Views(self.layers(batch.x), ids=batch.ids)


def step(world, mixed=True, shared=False, dropout=0.0, **trainer):
    """One step; gives the weights after it and the logged numbers, as one process records them."""
    encoder, sampler = Rows(dropout), Slices(shared)
    parts = Parts(None, sampler, encoder, InfoNCE(temperature=0.3))
    parameters = list(encoder.parameters())
    work = LoopWork(
        parts,
        ObjectivePart("infonce", Settings, "", reads=Pairs),
        {"all": Group(parameters, SGD(parameters, lr=1.0))},
        Moment("train", 0, 0, encoder, world.rank, world.size),
        trainer=TrainerConfig(precision="float64", device="cpu", **trainer),
        world=world,
        clock=Clock(),
    )
    torch.manual_seed(3)
    form = work.encode(sampler.draw(work.at))
    contrast = work.contrast(form)
    task = (form.z[0] - form.z[1]).square().sum(1).mean()
    work.descend({"task": task, "contrast": 0.5 * contrast} if mixed else contrast)
    values = {name: float(world.sum(v.double() * work.share)) for name, v in work.values.items()}
    return torch.cat([p.detach().flatten() for p in parameters]), values


def divided(blocks, world, right=gather._reduce_scatter):
    return right(blocks, world) / world.size


def _check(world):
    for settings in ({}, {"mixed": False}, {"micro_batch": 2}, {"shared": True}):
        weights, values = step(World(), **settings)
        mine, recorded = step(world, **settings)
        torch.testing.assert_close(mine, weights, rtol=0, atol=1e-10)
        assert recorded == pytest.approx(values, abs=1e-10)
    with patch.object(gather, "_reduce_scatter", divided):  # an error of 1 / world size is seen
        wrong, _ = step(world)
    assert (wrong - step(World())[0]).abs().max() > 1e-3


@pytest.mark.parametrize("size", [2, 3])
def test_local_and_global_terms_together_are_those_of_one_process(size):
    in_processes(size, _check)


@pytest.mark.parametrize("size", [1, 5, 12, 100])
def test_micro_batches_take_the_same_step(size):
    whole, values = step(World())
    mine, found = step(World(), micro_batch=size)
    torch.testing.assert_close(mine, whole, rtol=0, atol=1e-12)
    assert found == pytest.approx(values)


def test_micro_batches_with_dropout_repeat_themselves():
    first, second = (step(World(), dropout=0.5, micro_batch=4)[0] for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, step(World(), micro_batch=4)[0])


def test_an_encoder_that_mixes_rows_is_refused_before_its_batch_is_cut():
    with (
        patch.object(Rows, "mixes_rows", True, create=True),
        pytest.raises(ConfigError, match="mixes"),
    ):
        step(World(), micro_batch=4)
