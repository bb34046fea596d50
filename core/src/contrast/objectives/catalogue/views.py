"""Objectives of several views of unlabelled samples: they read `Views`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.forms import Views
from contrast.recipe import ObjectivePart, Settings, setting

_HELP = "divides the cosine similarity"


@dataclass(frozen=True)
class NTXentConfig(Settings):
    """Settings of NT-Xent."""

    temperature: float = setting(0.1, _HELP, above=0)
    several: Literal["joint", "pairwise", "average"] = setting(
        "joint", "more than two views: all in one sum, in pairs, or each against the others' mean"
    )


@dataclass(frozen=True)
class PVCConfig(Settings):
    """Settings of poly-view contrast."""

    temperature: float = setting(0.1, _HELP, above=0)


@dataclass(frozen=True)
class DCLConfig(Settings):
    """Settings of DCL."""

    temperature: float = setting(0.1, _HELP, above=0)


@dataclass(frozen=True)
class DCLWConfig(DCLConfig):
    """Settings of DCL with weighted positives."""

    sigma: float = setting(0.5, "width of the weighting: the smaller, the sharper", above=0)
    detach_weights: bool = setting(True, "let no gradient flow through the weights")


@dataclass(frozen=True)
class DHELConfig(Settings):
    """Settings of DHEL."""

    temperature: float = setting(0.3, _HELP, above=0)
    include_augs: bool = setting(True, "spread the second view too, not the first alone")


@dataclass(frozen=True)
class MVInfoNCEConfig(Settings):
    """Settings of MV-InfoNCE."""

    temperature: float = setting(0.5, _HELP, above=0)
    denominator: Literal["all_others", "cross_view"] = setting(
        "all_others", "rows to tell apart: all others (official code), or of other views (paper)"
    )


@dataclass(frozen=True)
class MVDHELConfig(Settings):
    """Settings of MV-DHEL."""

    temperature: float = setting(0.5, _HELP, above=0)


@dataclass(frozen=True)
class AlignmentUniformityConfig(Settings):
    """Settings of alignment and uniformity."""

    alpha: float = setting(2.0, "power of the distance between two views", above=0)
    t: float = setting(2.0, "sharpness of the repulsion between samples", above=0)
    alignment_weight: float = setting(1.0, "weight of alignment", low=0)
    uniformity_weight: float = setting(1.0, "weight of uniformity", low=0)


_NEEDS = frozenset({"two_views"})
_MULTI_VIEW = "https://arxiv.org/abs/2507.06979"
_ALL = "O(V^2 N^2 D) time, O(V N D) memory"
_BY_VIEW = "O(V N^2 D) time, O(V N D) memory"

VIEWS: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="nt_xent",
        config=NTXentConfig,
        build="contrast.objectives.nt_xent:NTXent",
        summary="each view finds its sisters among all rows (SimCLR)",
        paper="https://arxiv.org/abs/2002.05709",
        reads=Views,
        needs=_NEEDS,
        cost=_ALL,
    ),
    ObjectivePart(
        name="pvc",
        config=PVCConfig,
        build="contrast.objectives.pvc:PVC",
        summary="one positive at a time against the other samples (poly-view, geometric)",
        paper="https://arxiv.org/abs/2403.05490",
        reads=Views,
        needs=_NEEDS,
        cost=_ALL,
    ),
    ObjectivePart(
        name="dcl",
        config=DCLConfig,
        build="contrast.objectives.dcl:DCL",
        summary="InfoNCE without the positive among its competitors",
        paper="https://arxiv.org/abs/2110.06848",
        reads=Views,
        needs=_NEEDS,
        cost=_ALL,
    ),
    ObjectivePart(
        name="dclw",
        config=DCLWConfig,
        build="contrast.objectives.dcl:DCLW",
        summary="DCL that pulls unlike views harder",
        paper="https://arxiv.org/abs/2110.06848",
        reads=Views,
        needs=_NEEDS,
        cost=_ALL,
    ),
    ObjectivePart(
        name="dhel",
        config=DHELConfig,
        build="contrast.objectives.dhel:DHEL",
        summary="two views aligned, each spread out by itself",
        paper="https://arxiv.org/abs/2405.18045",
        reads=Views,
        needs=_NEEDS,
        cost=_BY_VIEW,
    ),
    ObjectivePart(
        name="mv_infonce",
        config=MVInfoNCEConfig,
        build="contrast.objectives.mv_infonce:MVInfoNCE",
        summary="one term a sample: all its view pairs over all energies",
        paper=_MULTI_VIEW,
        reads=Views,
        needs=_NEEDS,
        cost=_ALL,
    ),
    ObjectivePart(
        name="mv_dhel",
        config=MVDHELConfig,
        build="contrast.objectives.mv_dhel:MVDHEL",
        summary="all views aligned in one term, each spread out by itself",
        paper=_MULTI_VIEW,
        reads=Views,
        needs=_NEEDS,
        cost=_BY_VIEW,
    ),
    ObjectivePart(
        name="alignment_uniformity",
        config=AlignmentUniformityConfig,
        build="contrast.objectives.alignment_uniformity:AlignmentUniformity",
        summary="views near one another, rows spread over the sphere",
        paper="https://arxiv.org/abs/2005.10242",
        reads=Views,
        needs=_NEEDS,
        cost=_BY_VIEW,
    ),
)
