import pytest
import torch

from contrast.engine.randomness import generator
from contrast.primitives import low_rank
from contrast.primitives.low_rank import log_weight, plain


def pieces(N=6, M=5, H=3, *, scale=1.0, dtype=torch.float64):
    g = generator("low rank", N, M, H)
    drawn = [scale * torch.randn(s, generator=g, dtype=dtype) for s in ((N, H), (M, H), (H,), ())]
    return [each.requires_grad_() for each in drawn]


def test_value_and_gradients_equal_the_formula_and_finite_differences():
    inputs = pieces()
    torch.testing.assert_close(log_weight(*inputs), plain(*inputs), rtol=1e-12, atol=1e-14)
    assert torch.autograd.gradcheck(log_weight, inputs)
    assert torch.autograd.gradgradcheck(log_weight, inputs)


def test_blocks_of_candidates_equal_all_at_once(monkeypatch):
    inputs = pieces(M=11)
    g = torch.randn(6, 11, generator=generator("upstream"), dtype=torch.float64)
    whole = torch.autograd.grad(log_weight(*inputs), inputs, g)
    monkeypatch.setattr(low_rank, "WIDTH", 4)
    for one, other in zip(torch.autograd.grad(log_weight(*inputs), inputs, g), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("scale", [1.0, 12.0, 1e4])
def test_float32_stays_finite_and_near_the_formula_however_large_the_factors(scale):
    inputs = pieces(8, 9, 16, scale=scale, dtype=torch.float32)
    inputs[2].data /= scale
    inputs[3].data /= scale
    exact = plain(*(each.double() for each in inputs))
    found = log_weight(*inputs)
    gradients = torch.autograd.grad(found.sum(), inputs)
    torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-5)
    assert all(each.isfinite().all() for each in gradients)


def test_autocast_rounds_nothing():
    inputs = pieces(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = log_weight(*inputs)
    torch.testing.assert_close(found, plain(*inputs), rtol=1e-5, atol=1e-6)
