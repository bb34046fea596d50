"""SepCLR: common and salient representations of a background and a target (arXiv:2402.11928).

contrast_sepclr.Analysis.load("runs/sepclr-folders-seed0")      use a trained run
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast_sepclr.analysis import Analysis

__all__ = ["Analysis"]


def __getattr__(name: str) -> Any:
    if name == "Analysis":
        from contrast_sepclr.analysis import Analysis

        return Analysis
    raise AttributeError(f"module `contrast_sepclr` has no attribute `{name}`")
