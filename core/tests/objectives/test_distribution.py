"""Every objective of the catalogue on two and three processes: one step of the engine is that of one.

Ranks hold unequal parts of a batch; the pairs of the gathered form are shared out among them.
"""

from dataclasses import asdict
from unittest.mock import patch

import pytest
import torch
from torch import nn
from torch.optim import SGD

from contrast.engine.distribution import World
from contrast.engine.work import Clock, Group, LoopWork
from contrast.forms import Lists, Views
from contrast.interfaces import Moment, Parts, Sampler
from contrast.objectives.catalogue import CATALOGUE
from contrast.primitives import gather, sharing
from contrast.recipe import TrainerConfig
from contrast.testing.processes import in_processes

N, D, CLASSES = 14, 5, 4
CUTS = {1: [], 2: [3], 3: [2, 9]}
SIZES = {"samples": N, "classes": CLASSES, "width": D}
TILED = ("row_lse", "lse_sum", "pair_sums", "topk")


class Rows(nn.Module):
    """Views of each sample, three unless they are two modalities, or a list of six scores."""

    def __init__(self, part):
        super().__init__()
        self.reads = part.reads
        self.views = 2 if "bimodal" in part.name else 3
        self.layer = nn.Linear(7, self.views * D)

    def forward(self, ids):
        x = torch.randn(N, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)[ids]
        out = self.layer(x)
        if self.reads is Lists:
            return Lists(out[:, :6], targets=x[:, :6], mask=x[:, :6] < 1)
        z = out.view(-1, self.views, D).transpose(0, 1)
        return Views(z, ids=ids, labels=ids % CLASSES, targets=x[:, 0])


def step(part, world):
    """The weights of encoder and objective after one step, the state, and the loss of all."""
    torch.manual_seed(1)
    sizes = {name: SIZES[name] for name in part.sizes}
    objective = part.load()(**sizes, **asdict(part.config())).double()
    encoder = Rows(part).double()
    parameters = [*encoder.parameters(), *objective.parameters()]
    work = LoopWork(
        Parts(None, Sampler(), encoder, objective),
        part,
        {"all": Group(parameters, SGD(parameters, lr=1.0))},
        Moment("train", 0, 0, encoder, world.rank, world.size),
        trainer=TrainerConfig(precision="float64", device="cpu"),
        world=world,
        clock=Clock(),
    )
    mine = torch.arange(N).tensor_split(CUTS[world.size])[world.rank]
    work.descend(work.contrast(work.encode(mine)))
    loss = float(world.sum(work.values["loss"].double() * work.share))
    return loss, parameters, objective.state_dict()


def shared_calls(part, world):
    """How often something is put together over ranks while the loss is formed."""
    calls = []
    for kind in (sharing._Sum, sharing._LogSum):
        right = kind.forward

        def counted(*arguments, right=right):
            calls.append(right)
            return right(*arguments)

        patch.object(kind, "forward", staticmethod(counted)).start()
    found = step(part, world)
    patch.stopall()
    return found, len(calls)


def divided(blocks, world, right=gather._reduce_scatter):
    return right(blocks, world) / world.size


def _check(world):
    for name in TILED:  # nothing is small enough to be evaluated by all
        __import__(f"contrast.primitives.{name}", fromlist=["SMALL"]).SMALL = 0
    for part in CATALOGUE:
        loss, weights, state = step(part, World())
        (found, mine, kept), calls = shared_calls(part, world)
        assert found == pytest.approx(loss, abs=1e-10), part.name
        for own, one in zip(mine, weights, strict=True):
            torch.testing.assert_close(own, one, rtol=0, atol=1e-10, msg=part.name)
        for name, value in state.items():
            torch.testing.assert_close(kept[name], value, rtol=0, atol=1e-10, msg=part.name)
        assert (calls > 0) == (part.reads is not Lists), part.name
        with patch.object(gather, "_reduce_scatter", divided):  # an error of 1 / world size
            _, wrong, _ = step(part, world)
        assert (wrong[0] - weights[0]).abs().max() > 1e-4, part.name


@pytest.mark.parametrize("size", [2, 3])
def test_a_step_of_any_objective_is_that_of_one_process(size):
    in_processes(size, _check)
