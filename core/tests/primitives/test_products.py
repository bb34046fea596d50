"""Which products stay in half precision, and what they give."""

from types import SimpleNamespace

import pytest
import torch

from contrast.primitives.products import add_product, in_halves, product


def side(dtype, *, is_cuda=True):
    return SimpleNamespace(dtype=dtype, is_cuda=is_cuda)


HALF, BRAIN, FULL = torch.float16, torch.bfloat16, torch.float32


@pytest.mark.parametrize("dtype", [HALF, BRAIN])
def test_inner_products_of_one_half_dtype_on_cuda_stay_so(dtype):
    assert in_halves(side(dtype), side(dtype), "inner") == dtype


@pytest.mark.parametrize(
    ("a", "k", "score"),
    [
        (side(HALF), side(HALF), "distance"),
        (side(HALF), side(BRAIN), "inner"),
        (side(FULL), side(FULL), "inner"),
        (side(HALF, is_cuda=False), side(HALF, is_cuda=False), "inner"),
    ],
    ids=["distances", "two dtypes", "full precision", "on a CPU"],
)
def test_all_others_are_widened(a, k, score):
    assert in_halves(a, k, score) is None


@pytest.mark.parametrize("dtype", [HALF, BRAIN, FULL])
def test_products_are_summed_in_the_dtype_of_the_result(dtype):
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(5, 5, generator=generator).to(dtype) for _ in range(2))
    out = torch.ones(5, 5)
    add_product(out, a, b, 0.5)
    torch.testing.assert_close(out, 1 + 0.5 * a.float() @ b.float())
    torch.testing.assert_close(product(a, b, out), a.float() @ b.float())
