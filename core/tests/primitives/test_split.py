"""Batches cut by sample, whatever they are made of, and refused where that is not certain."""

from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from contrast.errors import ConfigError
from contrast.forms import over
from contrast.interfaces import Sampler
from contrast.primitives.split import split_batch


@dataclass(frozen=True)
class Batch:
    views: Tensor = over(1)
    ids: Tensor = over(0)
    scale: Tensor | None = over(None, default=None)
    texts: tuple[str, ...] = ()
    name: str = "n"


class Pair(NamedTuple):
    a: Tensor
    b: dict[str, Tensor]


class Rows(Sampler):
    def ids(self, batch):
        return batch.ids.tolist()


def test_a_dataclass_is_cut_along_its_declared_axes():
    batch = Batch(torch.arange(10).view(2, 5), torch.arange(5), torch.ones(3), tuple("abcde"))
    parts = Rows().split(batch, 2)
    assert [len(part.ids) for part in parts] == [2, 2, 1]
    assert torch.equal(torch.cat([part.views for part in parts], 1), batch.views)
    assert parts[1].texts == ("c", "d")
    assert parts[0].scale is batch.scale
    assert parts[0].name == "n"


def test_tuples_lists_and_dictionaries_are_walked():
    x = torch.arange(3)
    parts = split_batch(Pair(x, {"b": x + 1}), 2, 3)
    assert [type(part) for part in parts] == [Pair, Pair]
    assert parts[1].a.tolist() == [2]
    assert parts[1].b["b"].tolist() == [3]
    assert [part[1] for part in split_batch([x, [1.5, 2.5, 3.5]], 2, 3)] == [[1.5, 2.5], [3.5]]


@pytest.mark.parametrize(
    "batch",
    [
        torch.ones(2, 5),
        (torch.ones(5), torch.ones(4)),
        (torch.ones(5), torch.tensor(1.0)),
        [torch.ones(5), ["a", "b"]],
        {"graph": object()},
    ],
)
def test_what_does_not_hold_the_samples_is_refused(batch):
    with pytest.raises(ConfigError, match="micro_batch"):
        split_batch(batch, 2, 5)


def test_a_batch_of_no_sample_is_one_part():
    (part,) = split_batch(torch.ones(0, 3), 2, 0)
    assert part.shape == (0, 3)
