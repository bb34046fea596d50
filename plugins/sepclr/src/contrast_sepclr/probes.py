"""What a space knows of a factor: linear probes fitted on training rows, scored on test rows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

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
    classes: int = 0

    @property
    def lopsided(self) -> bool:
        """Whether one class is over three times as common as the others are on average."""
        if self.auc is None or self.chance is None:
            return False
        return self.chance * (self.classes - 1) > 3 * (100 - self.chance)

    @property
    def known(self) -> float:
        """How far from chance to perfect, 0..1: by accuracy, of lopsided classes by AUC."""
        score, chance = (self.auc, 50.0) if self.lopsided else (self.score, self.chance)
        if score is None or chance is None or chance >= 100:
            return 0.0
        return float(np.clip((score - chance) / (100 - chance), 0, 1))

    @property
    def told(self) -> str:
        """The number that `known` goes by, in words."""
        if self.score is None:
            return "–"
        if self.lopsided:
            return f"AUC {self.auc:.1f} (chance 50)"
        return f"{self.score:.1f} (chance {self.chance:.0f})"


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
    said, counts = model.predict(new), np.unique(truth, return_counts=True)[1]
    accuracy, chance = 100 * float(np.mean(said == truth)), 100 * counts.max() / len(truth)
    balanced = 100 * _balanced(truth, said) if len(counts) > 1 else None
    return Score(accuracy, chance, balanced, _auc(model, new, truth), classes=len(counts))


def _balanced(truth: np.ndarray, said: np.ndarray) -> float:
    """The mean over the classes of the test of the share that is found."""
    return float(np.mean([np.mean(said[truth == each] == each) for each in np.unique(truth)]))


def _auc(model: LogisticRegression, x: np.ndarray, truth: np.ndarray) -> float | None:
    """One-against-rest; None where the test lacks a class."""
    if set(np.unique(truth)) != set(model.classes_):
        return None
    chances = model.predict_proba(x)
    chances = chances[:, 1] if chances.shape[1] == 2 else chances
    return 100 * roc_auc_score(truth, chances, multi_class="ovr")
