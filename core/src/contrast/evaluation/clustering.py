"""Clustering of embeddings: how well k-means, which sees no label, finds the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from contrast.evaluation.inputs import as_dense, as_labels, number_classes
from contrast.evaluation.scores import Scores


@dataclass(frozen=True)
class ClusterScores(Scores):
    """Percent over the runs, (runs,) each: normalised mutual information and adjusted Rand."""

    nmi: np.ndarray
    ari: np.ndarray


def cluster_scores(
    z: Any, labels: Any, *, runs: int = 10, restarts: int = 10, seed: int
) -> ClusterScores:
    """Agreement of k-means with the labels, k being the number of classes.

    All samples are clustered; those without a label (negative) do not count in the agreement.
    NMI is normalised by the arithmetic mean. `restarts` are those within one fit: the published
    figures of the graph methods come from scikit-learn 1.1, whose default was 10.

    Shapes:  z: (N, D);  labels: (N,) integer.
    Raises: DataError: fewer than two classes or unfit labels or embeddings.
    """
    z = as_dense(z)
    numbered, classes = number_classes(as_labels(labels, len(z)))
    known = numbered >= 0
    found = [
        KMeans(classes, n_init=restarts, random_state=(seed + run) % 2**32).fit_predict(z)[known]
        for run in range(runs)
    ]
    return ClusterScores(
        nmi=np.array([100 * normalized_mutual_info_score(numbered[known], c) for c in found]),
        ari=np.array([100 * adjusted_rand_score(numbered[known], c) for c in found]),
    )
