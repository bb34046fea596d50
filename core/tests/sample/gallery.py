"""A plugin for the tests of configuration and discovery: every type of setting, two methods."""

from dataclasses import dataclass
from typing import Literal

import contrast
from contrast.errors import ConfigError
from contrast.forms import Lists, Tokens, Views
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, Stage, TrainerConfig, setting


@dataclass(frozen=True)
class Small(Settings):
    id: str = setting("one", "a text")
    path: str | None = setting(None, "a text or null")
    sizes: tuple[int, ...] = setting((1, 2), "whole numbers", low=1)
    names: tuple[str, ...] = setting((), "texts")
    shares: tuple[float, ...] | None = setting(None, "numbers or null")
    limit: int | None = setting(None, "a whole number or null", low=0)
    rate: float = setting(0.5, "a number", above=0, below=1)
    shuffle: bool = setting(False, "yes or no")
    mode: Literal["fast", "exact"] = setting("fast", "a choice")


@dataclass(frozen=True)
class Big(Settings):
    path: str = setting("big", "a text")
    low: int = setting(0, "lower end")
    high: int = setting(10, "upper end")

    def __post_init__(self):
        super().__post_init__()
        if self.low > self.high:
            raise ConfigError("`low` must not be above `high`")


@dataclass(frozen=True)
class Plain(Settings):
    batch_size: int = setting(8, "samples a batch", low=1)


@dataclass(frozen=True)
class Flat(Settings):
    width: int = setting(4, "width", low=1)


@dataclass(frozen=True)
class Deep(Settings):
    width: int = setting(16, "width", low=1)
    layers: int = setting(3, "layers", low=1)


@dataclass(frozen=True)
class Own(Settings):
    temperature: float = setting(0.5, "temperature", above=0)
    weight: float = setting(1.0, "weight", low=0)


@dataclass(frozen=True)
class Probe(Settings):
    restarts: int = setting(5, "restarts", low=1)


class Pretrain(Stage):
    name = "pretrain"


class Finish(Stage):
    name = "finish"


SLOTS = {
    "data": (Part("small", Small, "gallery:no"), Part("big", Big, "gallery:no")),
    "sampler": (Part("plain", Plain, "gallery:no"),),
    "encoder": (Part("flat", Flat, "gallery:no"), Part("deep", Deep, "gallery:no")),
    "objective": (ObjectivePart("own", Own, "gallery:no", reads=Views),),
}
ONE = Recipe(
    name="one",
    summary="one stage",
    paper="arXiv:0000.00000",
    gives=Views,
    slots=SLOTS,
    stages=(Stage(),),
    evaluation=Probe,
    provides=frozenset({"two_views"}),
    presets={
        "big": {
            "encoder": {"name": "deep", "layers": 7},
            "objective": {"temperature": 0.2, "weight": 3.0},
            "trainer": {"lr": 0.25},
            "evaluation": {"restarts": 50},
        }
    },
)
TWO = Recipe(
    name="two",
    summary="two stages, two contrasts a step, one view",
    paper="arXiv:0000.00000",
    gives=Views,
    slots=SLOTS,
    stages=(Pretrain(), Finish()),
    trainer=TrainerConfig,
    presets={"big": {"trainer": {"lr": 0.25, "finish": {"lr": 0.75}}}},
    contrasts_per_step=2,
)


def _shared(name, reads=Views, **options):
    return ObjectivePart(name, Own, "gallery:no", reads=reads, **options)


@contrast.hookimpl
def contrast_recipes():
    return [ONE, TWO]


@contrast.hookimpl
def contrast_objectives():
    return [
        _shared("listwise", Lists),
        _shared("tokenwise", Tokens),
        _shared("supervised", needs=frozenset({"labels"})),
        _shared("remembering", per_sample_state=True),
    ]
