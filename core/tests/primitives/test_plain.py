"""The plain formula where rows may be empty: by structure alone, and by what the weights hold."""

import pytest
import torch

from contrast.primitives.plain import Plan, plain
from contrast.primitives.structure import Mask, OffDiagonal
from contrast.primitives.weights import ready

EMPTY = {
    "one row without itself": (1, 1, OffDiagonal()),
    "as many holes as candidates": (2, 2, OffDiagonal((0, 1))),
    "a mask": (2, 3, Mask(torch.tensor([[False] * 3, [True, False, True]]))),
}


@pytest.mark.parametrize(("n", "m", "structure"), EMPTY.values(), ids=EMPTY)
def test_an_empty_row_has_no_value_and_no_gradient(n, m, structure):
    generator = torch.Generator().manual_seed(0)
    a, k = (torch.randn(r, 3, generator=generator, requires_grad=True) for r in (n, m))
    lse, _, _ = plain(a, k, Plan(ready((structure,), (n, m), a)))
    assert lse[0] == -torch.inf
    lse[0].backward()
    assert not a.grad.any()
    assert not k.grad.any()
