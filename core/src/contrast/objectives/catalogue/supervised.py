"""Objectives that are told what is alike, by labels or targets: they read `Views`, also one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.forms import Views
from contrast.recipe import ObjectivePart, Settings, setting


@dataclass(frozen=True)
class SupConConfig(Settings):
    """Settings of supervised contrast."""

    temperature: float = setting(0.1, "divides the cosine similarity", above=0)
    variant: Literal["out", "in"] = setting("out", "the mean over positives outside the log, or in")
    base_temperature: float | None = setting(
        None, "multiply the loss by temperature / this (0.07 in the reference code)", above=0
    )


@dataclass(frozen=True)
class RankNContrastConfig(Settings):
    """Settings of Rank-N-Contrast."""

    temperature: float = setting(2.0, "divides the distance of rows as they are", above=0)


@dataclass(frozen=True)
class HydraConfig(Settings):
    """Settings of Hydra."""

    temperature: float = setting(0.1, "divides the gated similarity, learnt if weighted", above=0)
    variant: Literal["weighted", "gated_norm"] = setting(
        "weighted", "gates weigh an inner product, or a cosine within the gate"
    )
    partner: Literal["arbitrary", "identical", "distinct"] = setting(
        "arbitrary", "class each anchor is compared with: of another sample, its own, another one"
    )


SUPERVISED: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="supcon",
        config=SupConConfig,
        build="contrast.objectives.supcon:SupCon",
        summary="all rows of an anchor's class are its positives",
        paper="https://arxiv.org/abs/2004.11362",
        reads=Views,
        needs=frozenset({"labels"}),
        cost="O(V^2 N^2 D) time, O(V N D) memory",
    ),
    ObjectivePart(
        name="rank_n_contrast",
        config=RankNContrastConfig,
        build="contrast.objectives.rank_n_contrast:RankNContrast",
        summary="nearer in target is nearer in space, for regression",
        paper="https://arxiv.org/abs/2210.01189",
        reads=Views,
        needs=frozenset({"targets"}),
        cost="O(V^2 N^2 (D + log N)) time, in blocks of rows",
    ),
    ObjectivePart(
        name="hydra",
        config=HydraConfig,
        build="contrast.objectives.hydra:Hydra",
        summary="any two classes are alike in a subspace, which a learnt gate selects",
        paper="https://arxiv.org/abs/2410.18200",
        reads=Views,
        needs=frozenset({"labels"}),
        sizes=("classes", "width"),
        cost="O(V N^2 D) time, O(V N D) memory",
    ),
)
