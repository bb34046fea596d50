"""Sums over related rows against the written relation, and the three reductions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrast.forms import Same
from contrast.objectives.rows import reduced, related, related_pairs, unit


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_related_sums_equal_those_of_the_written_relation(data):
    n, m = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))

    def relation():
        sides = (data.draw(st.lists(st.integers(-1, 2), min_size=k, max_size=k)) for k in (n, m))
        return Same(*(torch.tensor(side, dtype=torch.long) for side in sides))

    x = torch.randn(m, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(n + m))
    same, excluded = relation(), data.draw(st.sampled_from([None, relation()]))
    mask = same.mask() if excluded is None else same.mask() & ~excluded.mask()
    sums, counts = related(same, x, excluded)
    torch.testing.assert_close(sums, mask.double() @ x)
    torch.testing.assert_close(counts, mask.sum(1).double())
    pairs = torch.stack(related_pairs(same, excluded), 1)
    assert sorted(pairs.tolist()) == mask.nonzero().tolist()
    assert pairs[:, 0].tolist() == sorted(pairs[:, 0].tolist())


def test_the_gradient_of_related_sums_is_that_of_the_formula():
    same = Same(torch.tensor([0, 1, 4]), torch.tensor([1, 1, 0, 3]))
    excluded = Same(torch.tensor([0, 7, 0]), torch.tensor([0, 7, 2, 2]))
    x = torch.ones(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: related(same, x, excluded)[0], (x,))


def test_unit_rows_have_length_one_and_zero_rows_stay():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.bfloat16)
    assert unit(x).dtype == torch.float32
    torch.testing.assert_close(unit(x), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_reductions_count_what_counts():
    losses = torch.tensor([[1.0, 2.0], [0.0, 6.0]])
    assert reduced(losses, "none") is losses
    assert reduced(losses, "sum") == 9
    assert reduced(losses, "mean") == 9 / 4
    assert reduced(losses, "mean", torch.tensor([True, True, False, True])) == 3
    assert reduced(losses[:0], "mean") == 0
    assert reduced(losses[:1, 1], "mean") == 2
    assert reduced(losses[0], "mean", torch.tensor([True, False])) == 3
    with pytest.raises(ValueError, match="mean, sum or none, got 'median'"):
        reduced(losses, "median")
