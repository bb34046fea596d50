"""Objectives of lists of scored alternatives: they read `Lists`."""

from __future__ import annotations

from dataclasses import dataclass

from contrast.forms import Lists
from contrast.recipe import ObjectivePart, Settings, setting


@dataclass(frozen=True)
class BradleyTerryConfig(Settings):
    """Settings of Bradley-Terry."""

    reward_l2: float = setting(0.0, "weight of the squared scores", low=0)


@dataclass(frozen=True)
class BinaryNCEConfig(Settings):
    """Settings of binary noise-contrastive estimation."""

    negative_weight: float = setting(
        1.0, "weight of each noise sample: 1/M where M come with each true one", low=0
    )


LISTS: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="bradley_terry",
        config=BradleyTerryConfig,
        build="contrast.objectives.bradley_terry:BradleyTerry",
        summary="the preferred alternative has the larger score, pair by pair",
        paper="https://arxiv.org/abs/2301.00810",
        reads=Lists,
        cost="O(N K^2) time and memory",
    ),
    ObjectivePart(
        name="binary_nce",
        config=BinaryNCEConfig,
        build="contrast.objectives.binary_nce:BinaryNCE",
        summary="true or noise, told by a log-score each",
        paper="https://arxiv.org/abs/2207.14800",
        reads=Lists,
        cost="O(N K) time and memory",
    ),
)
