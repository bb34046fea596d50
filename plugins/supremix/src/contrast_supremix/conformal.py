"""Intervals that hold whatever the model: split-conformal prediction."""

from __future__ import annotations

import numpy as np

COVERAGE = 0.9


def margin(errors: np.ndarray, coverage: float = COVERAGE) -> float:
    """Half the width of an interval that covers a new row with at least this probability.

    The ceil((n + 1) coverage)-th smallest of n absolute errors of rows that neither trained nor
    chose the model (Vovk et al. 2005; Lei et al. 2018); infinite where n is too small for that.
    """
    rank = int(np.ceil((len(errors) + 1) * coverage))
    return float(np.sort(errors)[rank - 1]) if rank <= len(errors) else float("inf")


def halves_coverage(errors: np.ndarray, coverage: float = COVERAGE) -> tuple[int, int]:
    """Rows covered and rows asked, each half judged by the margin of the other one."""
    first, second = errors[::2], errors[1::2]
    covered = (second <= margin(first, coverage)).sum() + (first <= margin(second, coverage)).sum()
    return int(covered), len(errors)
