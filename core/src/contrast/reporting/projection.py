"""An embedding in two dimensions, for the eye."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from contrast.evaluation.inputs import as_dense

LARGEST_TSNE = 2000
FLAT = 1e-6  # a spread below this share of the largest value is rounding; t-SNE divides by it


def project(z: Any, seed: int = 0) -> tuple[np.ndarray, str]:
    """Two coordinates per row, (N, 2), and a sentence on how they were found.

    t-SNE on the first 50 principal components for 10 to 2000 rows, which takes seconds; otherwise
    the first two principal components. The same rows and seed give the same picture.

    Raises: DataError: `z` is not a filled matrix of finite numbers.
    """
    z = as_dense(z).astype(np.float64)
    if z.shape[1] == 2:
        return z, "The two dimensions of the embedding."
    size = np.abs(z).max()
    z = (z - z.mean(0)) / (size or 1.0)
    if np.abs(z).max() < FLAT:
        return np.zeros((len(z), 2)), "All rows are alike."
    components = PCA(min(50, *z.shape), random_state=seed).fit_transform(z)
    components = np.pad(components, ((0, 0), (0, max(0, 2 - components.shape[1]))))
    if not 10 <= len(z) <= LARGEST_TSNE:
        return components[:, :2], "The first two principal components."
    components /= components[:, 0].std()
    perplexity = min(30, (len(z) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init=1e-4 * components[:, :2], random_state=seed)
    how = "t-SNE of the first 50 principal components; distances between groups say little."
    return tsne.fit_transform(components), how
