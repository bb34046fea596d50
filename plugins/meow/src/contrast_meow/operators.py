"""Constant matrices that are multiplied from the left: graphs, contexts, sparse features."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

DTYPES = {torch.float32: np.float32, torch.float64: np.float64}
DENSE_ABOVE = 0.1  # share of non-zeros from which a dense product is the faster one (measured)


@dataclass(frozen=True)
class Operator:
    """A constant matrix, dense or compressed; a compressed one keeps its transpose for gradients.

    torch differentiates a sparse product by transposing the matrix anew at every step, which
    costs twenty times the product itself.

    Shapes:  matrix: (N, M), float;  transposed: (M, N) or None where `matrix` is dense.
    """

    matrix: Tensor
    transposed: Tensor | None = None

    @classmethod
    def of(cls, matrix: sparse.csr_array, dtype: torch.dtype = torch.float32) -> Operator:
        """The matrix in the form in which it multiplies fastest."""
        if matrix.nnz > DENSE_ABOVE * np.prod(matrix.shape):
            return cls(torch.from_numpy(matrix.astype(DTYPES[dtype]).toarray()))
        return cls(compressed(matrix, dtype), compressed(matrix.T.tocsr(), dtype))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.matrix)

    def __matmul__(self, x: Tensor) -> Tensor:
        if self.transposed is None:
            return self.matrix @ x
        with torch.autocast(x.device.type, enabled=False):  # no sparse product in half precision
            return _Product.apply(self.matrix, self.transposed, x.to(self.matrix.dtype))


class _Product(torch.autograd.Function):
    """Sparse times dense, with the gradient by the stored transpose."""

    @staticmethod
    def forward(ctx, matrix: Tensor, transposed: Tensor, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.pair = transposed, matrix
        return matrix @ x.contiguous()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[no-untyped-def]
        return None, None, _Product.apply(*ctx.pair, gradient)


@dataclass(frozen=True)
class Product:
    """left (right x): a matrix of low rank by its factors."""

    left: Operator
    right: Operator

    def __matmul__(self, x: Tensor) -> Tensor:
        return self.left @ (self.right @ x)


@dataclass(frozen=True)
class Mean:
    """The mean of some matrices, each multiplied in its own form."""

    members: tuple[Operator | Product, ...]

    def __matmul__(self, x: Tensor) -> Tensor:
        return sum(member @ x for member in self.members) / len(self.members)


AnyOperator = Operator | Product | Mean


def compressed(matrix: sparse.csr_array, dtype: torch.dtype = torch.float32) -> Tensor:
    """The matrix as a compressed sparse row tensor."""
    matrix = matrix.sorted_indices()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32)),  # what the product reads; of int64
            torch.from_numpy(matrix.indices.astype(np.int32)),  # it makes such a copy every time
            torch.from_numpy(matrix.data).to(dtype),
            size=matrix.shape,
            check_invariants=True,
        )


def to_scipy(x: Tensor) -> sparse.csr_array:
    """A dense or sparse tensor as a compressed sparse row matrix, float64."""
    if x.layout == torch.strided:
        return sparse.csr_array(x.detach().cpu().to(torch.float64).numpy())
    entries = x.detach().cpu().to_sparse_coo().coalesce()
    data, where = entries.values().to(torch.float64).numpy(), entries.indices().numpy()
    return sparse.coo_array((data, tuple(where)), shape=tuple(x.shape)).tocsr()
