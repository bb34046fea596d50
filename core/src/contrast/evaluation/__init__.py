"""Evaluation shared by all plugins: what frozen embeddings and rankings are worth.

Importing this package imports neither torch nor scikit-learn; each name is fetched on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast.evaluation.clustering import ClusterScores, cluster_scores
    from contrast.evaluation.diagnostics import Diagnosis, diagnose
    from contrast.evaluation.geometry import (
        alignment,
        effective_rank,
        geometry_scores,
        mean_cosine,
        tolerance,
        uniformity,
    )
    from contrast.evaluation.knn import KnnScores, knn_scores
    from contrast.evaluation.probe import ProbeScores, Split, linear_probe
    from contrast.evaluation.ranking import kendall, ndcg, pairwise_accuracy, spearman
    from contrast.evaluation.retrieval import embedding_ranks, ranks, retrieval_scores

_HOME = {
    "ClusterScores": "clustering",
    "Diagnosis": "diagnostics",
    "KnnScores": "knn",
    "ProbeScores": "probe",
    "Split": "probe",
    "alignment": "geometry",
    "cluster_scores": "clustering",
    "diagnose": "diagnostics",
    "effective_rank": "geometry",
    "embedding_ranks": "retrieval",
    "geometry_scores": "geometry",
    "kendall": "ranking",
    "knn_scores": "knn",
    "linear_probe": "probe",
    "mean_cosine": "geometry",
    "ndcg": "ranking",
    "pairwise_accuracy": "ranking",
    "ranks": "retrieval",
    "retrieval_scores": "retrieval",
    "spearman": "ranking",
    "tolerance": "geometry",
    "uniformity": "geometry",
}
__all__ = [
    "ClusterScores",
    "Diagnosis",
    "KnnScores",
    "ProbeScores",
    "Split",
    "alignment",
    "cluster_scores",
    "diagnose",
    "effective_rank",
    "embedding_ranks",
    "geometry_scores",
    "kendall",
    "knn_scores",
    "linear_probe",
    "mean_cosine",
    "ndcg",
    "pairwise_accuracy",
    "ranks",
    "retrieval_scores",
    "spearman",
    "tolerance",
    "uniformity",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `contrast.evaluation` has no attribute `{name}`")
    return getattr(importlib.import_module(f"contrast.evaluation.{_HOME[name]}"), name)
