"""SupReMix: representations ordered by a continuous target (arXiv:2309.16633).

contrast_supremix.Predictor.load("runs/supremix-table-seed0")   use a trained run
contrast_supremix.SupReMixRegressor()                           a scikit-learn estimator
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast_supremix.predictor import Predictor
    from contrast_supremix.regressor import SupReMixRegressor

WHERE = {"Predictor": "predictor", "SupReMixRegressor": "regressor"}
__all__ = ["Predictor", "SupReMixRegressor"]


def __getattr__(name: str) -> Any:
    if name in WHERE:
        return getattr(import_module(f"contrast_supremix.{WHERE[name]}"), name)
    raise AttributeError(f"module `contrast_supremix` has no attribute `{name}`")
