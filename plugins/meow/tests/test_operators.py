import pytest
import torch
from scipy import sparse

from contrast.engine.placement import move
from contrast.engine.randomness import generator
from contrast_meow.operators import Operator, to_scipy


def matrix(density: float) -> sparse.csr_array:
    drawn = torch.rand(9, 6, generator=generator(0), dtype=torch.float64).numpy()
    return sparse.csr_array(drawn * (drawn < density))


@pytest.mark.parametrize(("density", "is_sparse"), [(0.05, True), (0.9, False)])
def test_product_and_its_gradients_equal_the_dense_ones(density, is_sparse):
    made = Operator.of(matrix(density), torch.float64)
    x = torch.randn(6, 3, generator=generator(1), dtype=torch.float64, requires_grad=True)
    assert (made.transposed is not None) == is_sparse
    torch.testing.assert_close(made @ x, torch.from_numpy(matrix(density).toarray()) @ x)
    assert torch.autograd.gradcheck(lambda x: made @ x, (x,))
    assert torch.autograd.gradgradcheck(lambda x: (made @ x).square(), (x,))


@pytest.mark.parametrize("density", [0.05, 0.9])
def test_operator_moves_as_part_of_a_batch(density):
    made = move(Operator.of(matrix(density)), torch.device("cpu"), torch.float64)
    assert (made @ torch.ones(6, 1, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize("density", [0.05, 0.9])
def test_product_works_under_bf16_autocast(density):
    made, weight = Operator.of(matrix(density)), torch.ones(2, 6, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = made @ (torch.eye(6) @ weight.T)
    out.float().sum().backward()
    assert weight.grad.isfinite().all()


@pytest.mark.parametrize("layout", [torch.strided, torch.sparse_coo, torch.sparse_csr])
def test_any_layout_becomes_the_same_scipy_matrix(layout):
    x = torch.from_numpy(matrix(0.3).toarray())
    x = x if layout == torch.strided else x.to_sparse(layout=layout)
    assert (to_scipy(x).toarray() == matrix(0.3).toarray()).all()
