import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from contrast.forms import Differ
from contrast.primitives import topk as module
from contrast.primitives.structure import LogWeight, OffDiagonal
from contrast.primitives.topk import row_topk

N, M, D = 9, 130, 4


@pytest.fixture(autouse=True)
def small_strips(monkeypatch):
    monkeypatch.setattr(module, "CPU_TILE", (4, 50))
    monkeypatch.setattr(module, "GROUP", 4)


@pytest.fixture(params=["written out", "added by index"])
def strip(request, monkeypatch):
    """Both ways in which gradients of a strip are formed: among few candidates, among many."""
    monkeypatch.setattr(module, "SCATTERED", math.inf if request.param == "written out" else 0)


def rows(n, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, D, generator=generator, dtype=torch.float64).to(dtype)


@settings(max_examples=20, deadline=None)
@given(k=st.integers(1, M), m=st.integers(M, 2 * M), seed=st.integers(0, 99))
def test_values_and_indices_are_those_of_all_scores_sorted(k, m, seed):
    a, c = rows(N, seed), rows(m, seed + 1)
    found, expected = row_topk(a, c, k), (a @ c.T).topk(k)
    torch.testing.assert_close(found.values, expected.values)
    assert torch.equal(found.indices, expected.indices)


def test_gradients_reach_the_selected_scores_alone(strip):
    a, c = rows(N).requires_grad_(), rows(M, seed=1).requires_grad_()
    found = row_topk(a, c, 3).values.square().sum()
    expected = (a @ c.T).topk(3).values.square().sum()
    for x, y in zip(*(torch.autograd.grad(v, (a, c)) for v in (found, expected)), strict=True):
        torch.testing.assert_close(x, y)


@pytest.mark.parametrize("score", ["inner", "distance"])
def test_gradcheck_and_the_gradient_of_the_gradient(score, strip):
    def values(a, c):
        return row_topk(a, c, 3, score=score).values

    tensors = (rows(5).requires_grad_(), rows(20, seed=1).requires_grad_())
    assert gradcheck(values, tensors)
    assert gradgradcheck(values, tensors)


def test_excluded_candidates_are_not_found_and_log_weights_are_added():
    a = rows(M)
    ids = torch.arange(M) % 2
    found = row_topk(a, None, 5, weights=(OffDiagonal(), Differ(ids, ids)))
    scores = (a @ a.T).masked_fill(ids[:, None] == ids, -math.inf).fill_diagonal_(-math.inf)
    assert torch.equal(found.indices, scores.topk(5).indices)
    bonus = rows(M * M)[:, 0].view(M, M)
    found = row_topk(a, a, 5, weights=(LogWeight(bonus),))
    assert torch.equal(found.indices, (a @ a.T + bonus).topk(5).indices)


def test_too_few_allowed_candidates_end_in_minus_infinity_without_gradient():
    a = rows(3).requires_grad_()
    found = row_topk(a, a, 3, weights=(OffDiagonal(),))
    assert (found.values == -math.inf).sum(1).tolist() == [1, 1, 1]
    gradient = torch.autograd.grad(found.values.masked_fill(found.values == -math.inf, 0).sum(), a)
    assert gradient[0].isfinite().all()


def test_equal_scores_give_distinct_candidates_of_the_right_value():
    found = row_topk(torch.ones(N, D), torch.ones(M, D), 7)
    assert (found.values == D).all()
    assert all(len(set(row)) == 7 for row in found.indices.tolist())


def test_half_precision_is_compared_in_float32():
    a, c = rows(N, dtype=torch.bfloat16), rows(M, seed=1, dtype=torch.bfloat16)
    found = row_topk(a, c, 2)
    assert found.values.dtype == torch.float32
    assert torch.equal(found.indices, (a.float() @ c.float().T).topk(2).indices)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_products_in_half_precision_find_the_same(dtype, monkeypatch):
    a, c = rows(N, dtype=dtype).requires_grad_(), rows(M, seed=1, dtype=dtype)
    plainly = row_topk(a, c, 3)
    monkeypatch.setattr(module, "in_halves", lambda a, c, score: a.dtype)
    found = row_topk(a, c, 3)
    assert torch.equal(found.indices, plainly.indices)
    pair = (torch.autograd.grad(y.values.sum(), a)[0] for y in (found, plainly))
    assert torch.equal(*pair)


def test_k_must_lie_within_the_candidates():
    with pytest.raises(
        ValueError, match=r"k must lie in 1..130, the number of candidates, got 131"
    ):
        row_topk(rows(N), rows(M), 131)
