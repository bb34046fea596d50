"""The border of the evaluation room: what comes in becomes checked numpy arrays.

Embeddings may come as numpy, torch (any device, with or without gradient, dense or sparse) or
SciPy sparse; labels as anything that numpy can read as a vector of integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from contrast.errors import DataError


def as_array(values: Any) -> np.ndarray:
    """Any tensor or sequence as a numpy array on the CPU; bf16 becomes float32."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if values.is_floating_point() and values.element_size() < 4:
            values = values.float()
    return np.asarray(values)


def as_matrix(z: Any) -> np.ndarray | sparse.csr_array:
    """The embeddings as an (N, D) float matrix, sparse if they came sparse.

    Raises: DataError: not two axes, no row, no column, or a value that is not finite.
    """
    if hasattr(z, "layout") and "sparse" in str(z.layout):
        coo = z.detach().cpu().to_sparse_coo().coalesce()
        z = sparse.coo_array((coo.values().numpy(), coo.indices().numpy()), shape=tuple(z.shape))
    z = sparse.csr_array(z) if sparse.issparse(z) else as_array(z)
    if z.ndim != 2 or 0 in z.shape:
        raise DataError(f"embeddings must be a filled (N, D) matrix, got shape {tuple(z.shape)}")
    z = z if z.dtype in (np.float32, np.float64) else z.astype(np.float32)
    values = z.data if sparse.issparse(z) else z
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise DataError(
            f"embeddings must be finite, got {count} values of NaN or infinity in shape {z.shape}; "
            "did training diverge?"
        )
    return z


def as_dense(z: Any) -> np.ndarray:
    """The embeddings as a dense (N, D) float array; raises as `as_matrix` does."""
    z = as_matrix(z)
    return z.toarray() if sparse.issparse(z) else z


def as_labels(labels: Any, count: int) -> np.ndarray:
    """The labels as (N,) integers; a negative one means that the sample has none.

    Raises: DataError: not a vector of integers, or not one per embedding.
    """
    labels = as_array(labels)
    if labels.shape != (count,):
        raise DataError(f"{count} embeddings need {count} labels, got shape {labels.shape}")
    if labels.dtype.kind not in "iubf" or (labels != np.floor(labels)).any():
        raise DataError(f"labels must be whole numbers (classes), got {labels.dtype} {labels[:3]}")
    return labels.astype(np.int64)


def number_classes(labels: np.ndarray) -> tuple[np.ndarray, int]:
    """The labels renumbered 0..C-1 by sorted value, those without one as -1, and C.

    Raises: DataError: fewer than two classes, so that there is nothing to tell apart.
    """
    classes, numbered = np.unique(labels, return_inverse=True)
    known = int((classes >= 0).sum())
    if known < 2:
        raise DataError(f"at least two classes are needed to score embeddings, got {known}")
    return np.maximum(numbered - (len(classes) - known), -1), known
