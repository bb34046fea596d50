"""How well numbers are predicted: errors, agreement, rare targets, order of an embedding."""

from __future__ import annotations

import numpy as np
from scipy.stats import pearsonr, rankdata, spearmanr

NAMES = ("mae", "rmse", "r2", "pearson", "spearman", "gm")
SHOTS = (("many", 100, np.inf), ("medium", 20, 100), ("few", 0, 19))


def measures(y: np.ndarray, predicted: np.ndarray) -> dict[str, float | None]:
    """MAE, RMSE, R2, Pearson, Spearman, and GM = exp mean log |error|, 0 counted as 1e-10.

    What is not defined, as for constant predictions, is None.      Shapes:  both (N,).
    """
    error = np.abs(predicted - y)
    spread = ((y - y.mean()) ** 2).sum()
    varies = len(y) > 1 and spread > 0 and np.ptp(predicted) > 0
    return {
        "mae": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": float(1 - (error**2).sum() / spread) if spread > 0 else None,
        "pearson": float(pearsonr(y, predicted).statistic) if varies else None,
        "spearman": float(spearmanr(y, predicted).statistic) if varies else None,
        "gm": float(np.exp(np.log(np.where(error == 0, 1e-10, error)).mean())),
    }


def shots(labels: np.ndarray, train: np.ndarray, error: np.ndarray) -> dict[str, tuple]:
    """Rows and MAE where a label had many (> 100), medium (20..100) or few training rows.

    Shapes:  labels: (N,) of the rows judged, rounded;  train: labels of training;  error: (N,).
    """
    known, counts = np.unique(train.round(), return_counts=True)
    place = np.searchsorted(known, labels.round()).clip(max=len(known) - 1)
    count = np.where(known[place] == labels.round(), counts[place], 0)
    found = {}
    for name, low, high in SHOTS:
        own = (
            (count > low) & (count <= high) if name == "many" else (count >= low) & (count <= high)
        )
        found[name] = (int(own.sum()), float(error[own].mean()) if own.any() else None)
    return found


def ordinality(z: np.ndarray, y: np.ndarray, most: int = 500) -> float | None:
    """Spearman between distances of rows made unit length and distances of targets, all pairs.

    Shapes:  z: (N, D);  y: (N,);  of more than `most` rows every k-th is taken.
    """
    keep = slice(None, None, max(1, len(y) // most))
    z, y = z[keep].astype(np.float64), y[keep]
    z = z / np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    i, j = np.triu_indices(len(y), 1)
    near, apart = (z @ z.T)[i, j], np.abs(y[i] - y[j])
    if len(near) < 2 or np.ptp(near) < 1e-12 or np.ptp(apart) == 0:
        return None
    return -float(np.corrcoef(rankdata(near), rankdata(apart))[0, 1])
