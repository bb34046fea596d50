from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from contrast.testing.equality import equal


@dataclass
class Batch:
    x: Any


class Graph:
    def __init__(self, x):
        self.x = x

    def to_dict(self):
        return {"x": self.x}


class Plain:
    def __init__(self, x):
        self.x = x


Pair = namedtuple("Pair", "a b")
WRAPPERS = [
    lambda x: x,
    lambda x: Batch(x),
    lambda x: Graph(x),
    lambda x: Plain(x),
    lambda x: [x],
    lambda x: {"x": (x,)},
    lambda x: Pair(x, 1),
    lambda x: x.numpy(),
    lambda x: x.to_sparse(),
]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_a_copy_is_equal_and_a_changed_copy_is_not(wrap):
    x = torch.tensor([1.0, float("nan")])
    y = torch.tensor([2.0, float("nan")])
    assert equal(wrap(x.clone()), wrap(x.clone()))
    assert not equal(wrap(x), wrap(y))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (torch.ones(2), torch.ones(2, dtype=torch.float64)),
        (torch.ones(2), torch.ones(1)),
        (torch.ones(2), np.ones(2)),
        (1, 1.0),
        ([1], [1, 1]),
        ({"a": 1}, {"b": 1}),
        (np.ones(2), np.ones(2, np.float32)),
        ("a", "b"),
    ],
)
def test_what_differs_in_kind_or_size_is_not_equal(a, b):
    assert not equal(a, b)


def test_empty_tensors_and_nan_are_equal_to_themselves():
    assert equal(torch.ones(0), torch.ones(0))
    assert equal(float("nan"), float("nan"))
