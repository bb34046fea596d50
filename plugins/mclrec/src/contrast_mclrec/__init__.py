"""MCLRec: next-item recommendation with learned views of a history (arXiv:2304.07763).

contrast_mclrec.Recommender.load("runs/mclrec-ml-100k-seed0")   use a trained run
contrast_mclrec.to_recbole(encoder), from_recbole(encoder, state)   weights of RecBole's SASRec
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast_mclrec.interchange import from_recbole, to_recbole
    from contrast_mclrec.recommender import Recommender

WHERE = {"Recommender": "recommender", "from_recbole": "interchange", "to_recbole": "interchange"}
__all__ = ["Recommender", "from_recbole", "to_recbole"]


def __getattr__(name: str) -> Any:
    if name in WHERE:
        return getattr(import_module(f"contrast_mclrec.{WHERE[name]}"), name)
    raise AttributeError(f"module `contrast_mclrec` has no attribute `{name}`")
