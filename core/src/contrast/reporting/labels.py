"""Labels of points: amounts or classes, and which classes get a look of their own."""

from __future__ import annotations

import numpy as np

from contrast.reporting.palette import SERIES_LIGHT

MARKERS = ("o", "^", "s", "D")
MOST_CLASSES = len(SERIES_LIGHT) * len(MARKERS)  # that can be told apart


def is_scale(labels: np.ndarray) -> bool:
    """Whether labels are amounts rather than classes: fractions, or many different numbers.

    Amounts that are not finite are unknown and do not count.
    """
    if labels.dtype.kind not in "iuf":
        return False
    several = np.unique(labels[np.isfinite(labels)])
    fractions = bool((several % 1 != 0).any())
    return len(several) > MOST_CLASSES or (fractions and len(several) > 1)


def classes_of(labels: np.ndarray | None, count: int) -> tuple[list[str], np.ndarray]:
    """The names of the classes that get a look of their own, and each point's, else -1.

    Negative numbers and `unlabelled` mean no label; beyond the looks that can be told apart, the
    largest classes win.
    """
    if labels is None:
        return [], np.full(count, -1)
    values, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    none = values < 0 if values.dtype.kind in "if" else np.isin(values.astype(str), ["unlabelled"])
    largest = np.argsort(np.where(none, -1, sizes), kind="stable")[::-1][:MOST_CLASSES]
    shown = sorted(i for i in largest if not none[i])
    number = np.full(len(values), -1)
    number[shown] = np.arange(len(shown))
    return [str(values[i]) for i in shown], number[inverse]
