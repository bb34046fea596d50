"""What a space knows of a factor: linear probes fitted on training rows, scored on test rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error, r2_score, roc_auc_score

from contrast_sepclr.data import Factor


@dataclass(frozen=True)
class Score:
    """What a probe reaches, and what is reached without looking; percent, None: not defined.

    For a class `score` is accuracy and `chance` the share of the commonest class in the test; for
    an amount `score` is R^2 in percent, chance 0, and `error` the mean absolute error.
    """

    score: float | None
    chance: float | None
    balanced: float | None = None
    auc: float | None = None
    error: float | None = None

    @property
    def known(self) -> float:
        """How far from chance to perfect, 0..1."""
        if self.score is None or self.chance is None or self.chance >= 100:
            return 0.0
        return float(np.clip((self.score - self.chance) / (100 - self.chance), 0, 1))


def probe(
    z: np.ndarray, factor: Factor, train: np.ndarray, test: np.ndarray, max_iter: int
) -> Score:
    """Fit on the training rows of known value and score on the test rows.

    scikit-learn's defaults, unscaled features, as in the official evaluation.

    Shapes:  z: (N, D);  train, test: row numbers.
    Edge cases: one class only, or no row, is not defined.
    """
    train, test = train[factor.known[train]], test[factor.known[test]]
    if len(test) < 2 or len(np.unique(factor.values[train])) < 2:
        return Score(None, None)
    x, y, new, truth = z[train], factor.values[train], z[test], factor.values[test]
    if not factor.classes:
        said = LinearRegression().fit(x, y).predict(new)
        return Score(100 * r2_score(truth, said), 0.0, error=mean_absolute_error(truth, said))
    model = LogisticRegression(max_iter=max_iter)
    with warnings.catch_warnings():  # it may stop early, as the official evaluation does
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x, y)
    said = model.predict(new)
    chance = 100 * np.unique(truth, return_counts=True)[1].max() / len(truth)
    balanced = 100 * balanced_accuracy_score(truth, said) if len(np.unique(truth)) > 1 else None
    return Score(100 * float(np.mean(said == truth)), chance, balanced, _auc(model, new, truth))


def _auc(model: LogisticRegression, x: np.ndarray, truth: np.ndarray) -> float | None:
    """One-against-rest; None where the test lacks a class."""
    if set(np.unique(truth)) != set(model.classes_):
        return None
    chances = model.predict_proba(x)
    chances = chances[:, 1] if chances.shape[1] == 2 else chances
    return 100 * roc_auc_score(truth, chances, multi_class="ovr")
