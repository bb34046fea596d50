"""An embedding in two dimensions, for the eye."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from contrast.evaluation.inputs import as_dense

LARGEST_TSNE = 3000


def project(z: Any, seed: int = 0) -> tuple[np.ndarray, str]:
    """Two coordinates per row, (N, 2), and a sentence on how they were found.

    t-SNE on the first 50 principal components for 10 to 3000 rows, which takes seconds; otherwise
    the first two principal components. The same rows and seed give the same picture.

    Raises: DataError: `z` is not a filled matrix of finite numbers.
    """
    z = as_dense(z)
    if z.shape[1] == 2:
        return z, "The two dimensions of the embedding."
    z = z - z.mean(0)
    components = PCA(min(50, *z.shape), random_state=seed).fit_transform(z)
    if not 10 <= len(z) <= LARGEST_TSNE:
        first_two = np.pad(components, ((0, 0), (0, max(0, 2 - components.shape[1]))))[:, :2]
        return first_two, "The first two principal components."
    perplexity = min(30, (len(z) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)
    return (
        points,
        "t-SNE of the first 50 principal components; distances between groups say little.",
    )
