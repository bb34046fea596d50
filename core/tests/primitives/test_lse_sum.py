import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import cross_entropy

from contrast.forms import Same
from contrast.primitives import lse_sum as module
from contrast.primitives import tiles
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import LowRank, OffDiagonal

N, M, D = 11, 13, 4
SIZES = [1.0, 6.0]  # scores up to 40 need no shift; beyond, a running maximum is kept
IDS, OTHERS = torch.arange(N) % 3, torch.arange(M) % 4


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "CPU_TILE", (3, 5))
    monkeypatch.setattr(module, "CPU_TILE", (4, 5))
    monkeypatch.setattr(module, "LEAST_ROWS", 1)
    monkeypatch.setattr(module, "SMALL", 0)


def rows(n, size=1.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, D, generator=generator, dtype=torch.float64).mul(size).to(dtype)


def parts():
    pieces = (rows(N, seed=2), rows(M, seed=3), rows(1, seed=4)[0], rows(1, seed=5)[0, 0])
    return [piece.requires_grad_() for piece in pieces]


@pytest.mark.parametrize("size", SIZES)
def test_with_positives_it_is_cross_entropy(size):
    a, k = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_()
    found = 3 * lse_sum(a, k, temperature=0.5, positive=2)
    expected = 3 * cross_entropy(a @ k.T / 0.5, torch.arange(2, N + 2))
    torch.testing.assert_close(found, expected)
    for x, y in zip(
        *(torch.autograd.grad(loss, (a, k)) for loss in (found, expected)), strict=True
    ):
        torch.testing.assert_close(x, y)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("score", ["inner", "distance"])
def test_it_is_the_weighted_sum_of_row_lse(score, size):
    a, k, pieces = rows(N, size).requires_grad_(), rows(M, size, seed=1).requires_grad_(), parts()
    c = torch.linspace(-1, 2, N, dtype=torch.float64).requires_grad_()
    t = torch.linspace(0.7, 1.3, N, dtype=torch.float64).requires_grad_()
    for weights in ((), (Same(IDS, OTHERS),), (LowRank(*pieces), OffDiagonal())):
        options = {"temperature": t, "score": score, "weights": weights}
        found, expected = lse_sum(a, k, c, **options), c @ row_lse(a, k, **options).lse
        torch.testing.assert_close(found, expected)
        inputs = (a, k, c, t, *(pieces if len(weights) == 2 else ()))
        pairs = zip(*(torch.autograd.grad(y, inputs) for y in (found, expected)), strict=True)
        for x, y in pairs:
            torch.testing.assert_close(x, y)


def test_gradcheck_and_the_gradient_of_the_gradient():
    def loss(a, k, c):
        return lse_sum(a, k, c, temperature=0.7, weights=(OffDiagonal((2,)),), positive=1)

    inputs = (rows(5), rows(7, seed=1), torch.linspace(0.5, 2, 5, dtype=torch.float64))
    inputs = tuple(x.requires_grad_() for x in inputs)
    assert gradcheck(loss, inputs)
    assert gradgradcheck(loss, inputs)


def test_a_row_without_any_weight_adds_nothing_with_its_positive():
    a, k = rows(N).requires_grad_(), rows(M, seed=1).requires_grad_()
    ids = torch.where(torch.arange(N) == 3, 99, 0)
    some = (Same(ids, torch.zeros(M, dtype=torch.long)),)
    c = torch.ones(N, dtype=torch.float64)
    found = lse_sum(a, k, c, weights=some, positive=0)
    kept = torch.arange(N) != 3
    logits = (a @ k.T)[kept]
    expected = (logits.logsumexp(1) - logits[torch.arange(N - 1), torch.arange(N)[kept]]).sum()
    torch.testing.assert_close(found, expected)
    assert torch.autograd.grad(found, a)[0][3].abs().max() == 0


def test_strips_too_low_and_no_gradient_take_the_other_way_to_the_same_value(monkeypatch):
    a, k = rows(N).requires_grad_(), rows(M, seed=1)
    by_strips = lse_sum(a, k, positive=0)
    with torch.no_grad():
        torch.testing.assert_close(lse_sum(a, k, positive=0), by_strips.detach())
    monkeypatch.setattr(module, "LEAST_ROWS", 99)
    by_passes = lse_sum(a, k, positive=0)
    torch.testing.assert_close(by_passes, by_strips)
    torch.testing.assert_close(*(torch.autograd.grad(y, a) for y in (by_passes, by_strips)))


@pytest.mark.parametrize("t", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(t):
    a = torch.nn.functional.normalize(rows(N, dtype=torch.float32), dim=1).requires_grad_()
    k = torch.cat((a.detach(), -a.detach()[:2]))
    found = lse_sum(a, k, temperature=t, weights=(OffDiagonal(),))
    exact = lse_sum(a.double(), k.double(), temperature=t, weights=(OffDiagonal(),))
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-5)
    assert torch.autograd.grad(found, a)[0].isfinite().all()


def test_half_precision_is_summed_in_float32():
    a = rows(N, dtype=torch.bfloat16).requires_grad_()
    found = lse_sum(a, rows(M, seed=1, dtype=torch.bfloat16))
    assert found.dtype == torch.float32
    assert torch.autograd.grad(found, a)[0].dtype == torch.bfloat16


def test_no_rows_add_up_to_zero(monkeypatch):
    monkeypatch.setattr(module, "SMALL", 1)
    assert lse_sum(rows(0), rows(3), positive=0) == 0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"positive must lie in 0..2 for 11 of 13 rows, got 3"):
        lse_sum(rows(N), rows(M), positive=3)
    with pytest.raises(ValueError, match=r"coefficients must be \(11,\), got \(2,\)"):
        lse_sum(rows(N), rows(M), torch.ones(2))
    with pytest.raises(ValueError, match="temperature"):
        lse_sum(rows(N), rows(M), temperature=math.nan)
