"""Nearest neighbours: the label of a sample as the vote of its most similar training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sklearn.metrics import accuracy_score, f1_score
from sklearn.neighbors import KNeighborsClassifier

from contrast.errors import DataError
from contrast.evaluation.inputs import as_dense, as_labels


@dataclass(frozen=True)
class KnnScores:
    """Percent of test samples that their neighbours name rightly, and the macro-F1 of that."""

    accuracy: float
    macro_f1: float


def knn_scores(z_train: Any, y_train: Any, z_test: Any, y_test: Any, k: int = 5) -> KnnScores:
    """Scores of the majority vote of the `k` training samples of largest cosine similarity.

    A tied vote goes to the smallest label (scikit-learn); an all-zero row is equally far from all.

    Shapes:  z_train: (N, D);  z_test: (M, D);  y_train: (N,), y_test: (M,) integer.
    Raises: DataError: widths differ, `k` is not in 1..N, labels or embeddings are unfit.
    """
    z_train, z_test = as_dense(z_train), as_dense(z_test)
    y_train, y_test = as_labels(y_train, len(z_train)), as_labels(y_test, len(z_test))
    if z_train.shape[1] != z_test.shape[1]:
        raise DataError(
            f"training and test embeddings must have one width, got shapes {z_train.shape} and "
            f"{z_test.shape}"
        )
    if not 1 <= k <= len(z_train):
        raise DataError(f"k must be in 1..{len(z_train)} (the training samples), got {k}")
    vote = KNeighborsClassifier(k, metric="cosine").fit(z_train, y_train)
    named = vote.predict(z_test)
    return KnnScores(
        accuracy=100 * float(accuracy_score(y_test, named)),
        macro_f1=100 * float(f1_score(y_test, named, average="macro", zero_division=0)),
    )
