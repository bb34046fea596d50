"""Objectives that remember each sample: a state by sample id, so that small batches are enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.forms import Views
from contrast.recipe import ObjectivePart, Settings, setting

_START = "temperature of every sample, at first"
_GAMMA = "how fast a sample's normaliser moves towards what a batch shows"
_VARIANT = "as the authors' code does it, or LibAUC, whose loss is (N - 1) / 2 times as large"


@dataclass(frozen=True)
class SogCLRConfig(Settings):
    """Settings of SogCLR."""

    temperature: float = setting(0.1, "divides the cosine similarity", above=0)
    gamma: float = setting(0.9, _GAMMA, above=0, high=1)
    first: Literal["batch", "sample"] = setting(
        "batch", "a first value is taken whole where the batch is new (LibAUC), or the sample is"
    )


@dataclass(frozen=True)
class SogCLRBimodalConfig(Settings):
    """Settings of SogCLR of two modalities."""

    temperature: float = setting(0.01, "divides the cosine similarity", above=0)
    gamma: float = setting(0.8, _GAMMA, above=0, high=1)
    variant: Literal["authors", "libauc"] = setting("authors", _VARIANT)


@dataclass(frozen=True)
class LearntTemperatures(Settings):
    """What both kinds of iSogCLR set: a temperature for each sample, and how it descends."""

    temperature: float = setting(0.1, _START, above=0)
    gamma: float = setting(0.9, _GAMMA, above=0, high=1)
    rho: float = setting(
        0.3, "radius of the robustness: the larger, the smaller temperatures", low=0
    )
    eta: float = setting(0.01, "learning rate of the temperatures", above=0)
    beta: float = setting(0.9, "share of the newest gradient in their momentum", above=0, high=1)
    lowest: float = setting(0.05, "least temperature", above=0)
    highest: float = setting(0.7, "largest temperature", above=0)
    clip: float = setting(0.0, "largest gradient of a temperature; 0 clips nothing", low=0)

    def __post_init__(self) -> None:
        """Raises: ConfigError: a range is left, or the first temperature is out of its bounds."""
        super().__post_init__()
        if not self.lowest <= self.temperature <= self.highest:
            raise ConfigError(
                f"`temperature` must lie between `lowest` {self.lowest} and `highest` "
                f"{self.highest}, got {self.temperature}"
            )


@dataclass(frozen=True)
class ISogCLRConfig(LearntTemperatures):
    """Settings of iSogCLR."""

    first: Literal["batch", "sample"] = setting(
        "batch", "a first value is taken whole where the batch is new (LibAUC), or the sample is"
    )


@dataclass(frozen=True)
class ISogCLRBimodalConfig(LearntTemperatures):
    """Settings of iSogCLR of two modalities."""

    temperature: float = setting(0.01, _START, above=0)
    gamma: float = setting(0.8, _GAMMA, above=0, high=1)
    rho: float = setting(
        8.0, "radius of the robustness: the larger, the smaller temperatures", low=0
    )
    eta: float = setting(0.03, "learning rate of the temperatures", above=0)
    lowest: float = setting(0.005, "least temperature", above=0)
    highest: float = setting(1.0, "largest temperature", above=0)
    clip: float = setting(5.0, "largest gradient of a temperature; 0 clips nothing", low=0)
    variant: Literal["authors", "libauc"] = setting("authors", _VARIANT)


_NEEDS = frozenset({"two_views", "sample_ids"})
_SOGCLR = "https://arxiv.org/abs/2202.12387"
_ISOGCLR = "https://arxiv.org/abs/2305.11965"
_SIZES = ("samples",)

TRACKED: tuple[ObjectivePart, ...] = (
    ObjectivePart(
        name="sogclr",
        config=SogCLRConfig,
        build="contrast.objectives.sogclr:SogCLR",
        summary="negatives of the whole data set, by a moving average for each sample",
        paper=_SOGCLR,
        reads=Views,
        needs=_NEEDS,
        sizes=_SIZES,
        per_sample_state=True,
        cost="O(V^2 N^2 D) time, O(V N D) memory, 1 number a sample",
    ),
    ObjectivePart(
        name="isogclr",
        config=ISogCLRConfig,
        build="contrast.objectives.isogclr:ISogCLR",
        summary="SogCLR with a temperature learnt for each sample",
        paper=_ISOGCLR,
        reads=Views,
        needs=_NEEDS,
        sizes=_SIZES,
        per_sample_state=True,
        cost="O(V^2 N^2 D) time, O(V N D) memory, 3 numbers a sample",
    ),
    ObjectivePart(
        name="sogclr_bimodal",
        config=SogCLRBimodalConfig,
        build="contrast.objectives.sogclr_bimodal:SogCLRBimodal",
        summary="SogCLR of two modalities, both ways",
        paper=_SOGCLR,
        reads=Views,
        needs=_NEEDS,
        sizes=_SIZES,
        per_sample_state=True,
        cost="O(N^2 D) time, O(N D) memory, 2 numbers a sample",
    ),
    ObjectivePart(
        name="isogclr_bimodal",
        config=ISogCLRBimodalConfig,
        build="contrast.objectives.isogclr_bimodal:ISogCLRBimodal",
        summary="iSogCLR of two modalities, both ways",
        paper=_ISOGCLR,
        reads=Views,
        needs=_NEEDS,
        sizes=_SIZES,
        per_sample_state=True,
        cost="O(N^2 D) time, O(N D) memory, 6 numbers a sample",
    ),
)
