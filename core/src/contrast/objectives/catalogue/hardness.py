"""Objectives that choose negatives, or weigh them, by how near they are: they read `Views`."""

from __future__ import annotations

from dataclasses import dataclass

from contrast.forms import Views
from contrast.recipe import ObjectivePart, Settings, setting


@dataclass(frozen=True)
class HardContrastiveConfig(Settings):
    """Settings of the hard contrastive loss."""

    temperature: float = setting(0.3, "divides the cosine similarity", above=0)
    alpha: float = setting(
        0.0819, "share of the negatives, the nearest, that is kept", above=0, high=1
    )


@dataclass(frozen=True)
class HardSimpleConfig(Settings):
    """Settings of the hard simple loss."""

    alpha: float = setting(
        0.0819, "share of the negatives, the nearest, that is kept", above=0, high=1
    )
    lam: float | None = setting(None, "weight of each negative; none: one over how many", above=0)


@dataclass(frozen=True)
class CACRConfig(Settings):
    """Settings of CACR."""

    t_pos: float = setting(1.0, "how much more far positives are pulled; 0: all alike", low=0)
    t_neg: float = setting(0.9, "how much more near negatives are pushed; 0: all alike", low=0)
    alpha: float = setting(1.0, "weight of the attraction", low=0)
    beta: float = setting(1.0, "weight of the repulsion", low=0)
    tau_plus: float = setting(0.0, "share of false negatives to allow for", low=0, below=1)
    detach_weights: bool = setting(False, "let no gradient flow through the weights")


@dataclass(frozen=True)
class GroCoConfig(Settings):
    """Settings of GroCo."""

    topk_neg: int = setting(10, "nearest negatives that are sorted with the positives", low=1)
    steepness: float = setting(1.0, "how decidedly two scores are exchanged", above=0)
    stop_grad: bool = setting(True, "let anchors alone learn")
    full_views: int = setting(0, "views that are positives, the first ones; 0: all", low=0)


_NEEDS = frozenset({"two_views"})
_BEHAVIOUR = "https://arxiv.org/abs/2012.09740"

HARDNESS: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="hard_contrastive",
        config=HardContrastiveConfig,
        build="contrast.objectives.hard:HardContrastive",
        summary="InfoNCE against the nearest negatives alone",
        paper=_BEHAVIOUR,
        reads=Views,
        needs=_NEEDS,
        cost="O(V^2 N^2 D) time, O(V N (D + alpha N)) memory",
    ),
    ObjectivePart(
        name="hard_simple",
        config=HardSimpleConfig,
        build="contrast.objectives.hard:HardSimple",
        summary="similarity of the nearest negatives less the positive's, without temperature",
        paper=_BEHAVIOUR,
        reads=Views,
        needs=_NEEDS,
        cost="O(V^2 N^2 D) time, O(V N (D + alpha N)) memory",
    ),
    ObjectivePart(
        name="cacr",
        config=CACRConfig,
        build="contrast.objectives.cacr:CACR",
        summary="far positives pulled more, near negatives pushed more",
        paper="https://arxiv.org/abs/2105.03746",
        reads=Views,
        needs=_NEEDS,
        cost="O(V^2 N^2 D) time, O(V^2 N D) memory",
    ),
    ObjectivePart(
        name="groco",
        config=GroCoConfig,
        build="contrast.objectives.groco:GroCo",
        summary="positives sorted behind the nearest negatives by a soft network",
        paper="https://arxiv.org/abs/2301.02009",
        reads=Views,
        needs=_NEEDS,
        cost="O(V N^2 D) time, O(V N (D + (K + V)^2)) memory",
    ),
)
