"""Objectives of anchors against candidates: they read `Pairs`, and so views too, one way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.forms import Pairs
from contrast.recipe import ObjectivePart, Settings, setting

LEAST_LEARNT = 0.01  # CLIP's largest scale of 100


@dataclass(frozen=True)
class InfoNCEConfig(Settings):
    """Settings of InfoNCE."""

    temperature: float = setting(0.1, "divides the cosine similarity", above=0)
    symmetric: bool = setting(False, "also the other way: candidates look for their anchors")
    learn_temperature: bool = setting(False, "learn it from there on, never below 0.01")

    def __post_init__(self) -> None:
        """Raises: ConfigError: a range is left, or a learnt temperature begins out of bounds."""
        super().__post_init__()
        if self.learn_temperature and self.temperature < LEAST_LEARNT:
            raise ConfigError(
                f"`temperature` must be >= {LEAST_LEARNT} where it is learnt, got "
                f"{self.temperature}; set it higher, or `learn_temperature=false`"
            )


@dataclass(frozen=True)
class CLIPConfig(InfoNCEConfig):
    """Settings of InfoNCE as in CLIP: both ways, with a learnt temperature."""

    temperature: float = setting(0.07, "divides the cosine similarity, at first", above=0)
    symmetric: bool = setting(True, "also the other way: candidates look for their anchors")
    learn_temperature: bool = setting(True, "learn it from there on, never below 0.01")


@dataclass(frozen=True)
class SigLIPConfig(Settings):
    """Settings of SigLIP; both are learnt from there on."""

    temperature: float = setting(0.1, "divides the cosine similarity, at first", above=0)
    bias: float = setting(-10.0, "added to each logit, at first: most pairs are no match")


@dataclass(frozen=True)
class TripletConfig(Settings):
    """Settings of the triplet loss."""

    margin: float = setting(1.0, "by how much nearer the positive shall be", low=0)
    distance: Literal["euclidean", "squared", "cosine"] = setting(
        "euclidean", "euclidean and squared of rows as they are, or 1 - cosine"
    )


@dataclass(frozen=True)
class MWConfig(Settings):
    """Settings of MW."""

    temperature: float = setting(0.01, "divides the difference of two cosines", above=0)
    reduction: Literal["mean", "sum_neg"] = setting(
        "mean", "over pairs of scores, or the sum over negatives (as printed)"
    )
    approx: bool = setting(False, "read the sum over positives off a table: for large batches")


_COST = "O(N M D) time, O((N + M) D) memory"

PAIRS: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="infonce",
        config=InfoNCEConfig,
        build="contrast.objectives.infonce:InfoNCE",
        summary="softmax of each anchor over all candidates, one way or both",
        paper="https://arxiv.org/abs/1807.03748",
        reads=Pairs,
        cost=_COST,
    ),
    ObjectivePart(
        name="clip",
        config=CLIPConfig,
        build="contrast.objectives.infonce:InfoNCE",
        summary="InfoNCE both ways with a learnt temperature",
        paper="https://arxiv.org/abs/2103.00020",
        reads=Pairs,
        cost=_COST,
    ),
    ObjectivePart(
        name="siglip",
        config=SigLIPConfig,
        build="contrast.objectives.siglip:SigLIP",
        summary="a yes or no for each pair by itself: sigmoid instead of softmax",
        paper="https://arxiv.org/abs/2303.15343",
        reads=Pairs,
        cost=_COST,
    ),
    ObjectivePart(
        name="triplet",
        config=TripletConfig,
        build="contrast.objectives.triplet:Triplet",
        summary="each positive nearer than each negative, by a margin",
        paper="https://arxiv.org/abs/1503.03832",
        reads=Pairs,
        cost=_COST,
    ),
    ObjectivePart(
        name="mw",
        config=MWConfig,
        build="contrast.objectives.mw:MW",
        summary="every positive above every negative of the batch: the area under the ROC curve",
        paper="https://arxiv.org/abs/2510.00137",
        reads=Pairs,
        cost="O(N^2 M) time, or O(N M D) with `approx`, O((N + M) D) memory",
    ),
)
