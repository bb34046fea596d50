"""The deep method as a recipe: settings, parts, presets. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_ucb.deep.form import Jumps
from contrast_ucb.deep.stage import DeepStage

PAPER = "arXiv:2207.14800"
SPR = "arXiv:2007.05929"
HOME = "contrast_ucb.deep"
HORIZON = "steps after which an episode ends; none: the environment's own limit"


@dataclass(frozen=True)
class EnvironmentSettings(Settings):
    """Any environment of gymnasium with discrete actions."""

    env: str = setting("CartPole-v1", "its id, or module:id of your own")
    horizon: int | None = setting(None, HORIZON, low=1)
    rewards: Literal["as_is", "sign"] = setting("as_is", "what is learnt from")


@dataclass(frozen=True)
class DeepSeaSettings(Settings):
    """A square of cells with one reward far away."""

    size: int = setting(10, "rows, columns, and steps of an episode", low=2)


@dataclass(frozen=True)
class AtariSettings(Settings):
    """An Atari game in 84 x 84 grey pixels."""

    env: str = setting("ALE/Pong-v5", "its id")
    horizon: int | None = setting(27_000, HORIZON, low=1)
    rewards: Literal["as_is", "sign"] = setting("sign", "what is learnt from")
    stack: int = setting(4, "frames seen at once", low=1)


@dataclass(frozen=True)
class DeepExplorerSettings(Settings):
    """Environments, replay and bonus."""

    envs: int = setting(8, "copies of the environment that act at once", low=1)
    updates: int = setting(4, "updates for each step of all copies", low=1)
    batch_size: int = setting(64, "stretches of an update", low=1)
    replay: int = setting(50_000, "steps that are kept", low=100)
    warmup: int = setting(500, "random steps before the first update", low=0)
    epsilon: float = setting(0.01, "share of random actions at last", low=0, high=1)
    decay: int = setting(2000, "steps over which the share of random actions falls", low=1)
    n_step: int = setting(3, "rewards summed before a value is asked", low=1)
    jumps: int = setting(1, "steps ahead that features are compared", low=1)
    gamma: float = setting(0.3, "weight of the bonus; 0: none", low=0)
    lam: float = setting(0.001, "ridge of the covariance", above=0)
    refresh: int = setting(12, "steps of all copies between two covariances", low=1)


@dataclass(frozen=True)
class DeepFeaturesSettings(Settings):
    """Networks."""

    width: int = setting(128, "of latent states and of the head", low=1)
    rank: int = setting(64, "width d of phi and psi; `spr`: twice `width`", low=1)
    atoms: int = setting(1, "of the distribution of values; 1: the value itself", low=1)
    low: float = setting(-10.0, "least value of the distribution")
    high: float = setting(10.0, "largest value of the distribution")
    shift: int = setting(0, "pixels by which images are moved, at most", low=0)
    intensity: float = setting(0.05, "deviation of the brightness of images moved", low=0)

    def __post_init__(self) -> None:
        """Raises: ConfigError: a range is left, or the distribution is none."""
        super().__post_init__()
        if self.low >= self.high:
            raise ConfigError(f"`low` must be below `high`, got {self.low} and {self.high}")


@dataclass(frozen=True)
class JumpNCESettings(Settings):
    """True successors against the batch's others."""

    bound: float = setting(100.0, "largest score, 1 / C_neg", above=1)


@dataclass(frozen=True)
class SelfPredictionSettings(Settings):
    """Self-prediction, without negatives."""


@dataclass(frozen=True)
class DeepTrainer(TrainerConfig):
    """Updates of everything at once."""

    max_epochs: int = setting(3, "of 1000 steps of all copies", low=0)
    lr: float = setting(1e-3, "learning rate", above=0, high=1e30)
    optimizer: Literal["adam", "adamw", "sgd"] = setting(
        "adamw", "optimiser of every group; adamw without decay is Adam in one pass"
    )
    clip_norm: float = setting(10.0, "largest norm of the gradient; 0 clips nothing", low=0)
    discount: float = setting(0.99, "of rewards a step later", above=0, high=1)
    contrast_weight: float = setting(1.0, "weight of the contrastive loss; 0: none", low=0)
    target_every: int = setting(100, "updates between two copies to the target network", low=1)


@dataclass(frozen=True)
class DeepEvaluation(Settings):
    """Fresh episodes."""

    episodes: int = setting(20, "episodes without random actions", low=1)


DEEP = Recipe(
    name="deep",
    summary="Exploration by a bonus on features of a network, in any gymnasium environment.",
    paper=PAPER,
    gives=Jumps,
    slots={
        "data": (
            Part(
                "gymnasium",
                EnvironmentSettings,
                f"{HOME}.task:gymnasium_task",
                "any environment with discrete actions; MiniGrid and MinAtar as extras",
            ),
            Part(
                "deepsea",
                DeepSeaSettings,
                f"{HOME}.task:deep_sea",
                "a reward that chance does not find; made on the spot",
            ),
            Part(
                "atari",
                AtariSettings,
                f"{HOME}.task:atari_task",
                "a game as the 100k benchmark plays it; extra `atari`",
            ),
        ),
        "sampler": (
            Part(
                "deep",
                DeepExplorerSettings,
                f"{HOME}.sampler:DeepExplorer",
                "values made optimistic by an elliptical bonus on features",
                PAPER,
            ),
        ),
        "encoder": (
            Part(
                "network",
                DeepFeaturesSettings,
                f"{HOME}.encoder:DeepFeatures",
                "one trunk for dueling values and contrasted features",
                sizes=("shape", "actions", "scale", "jumps", "mapped", "official"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "nce",
                JumpNCESettings,
                f"{HOME}.objective:JumpNCE",
                "a true successor against the batch's others, by the log of a bounded score",
                PAPER,
                reads=Jumps,
                cost="O(B^2 D)",
            ),
            ObjectivePart(
                "spr",
                SelfPredictionSettings,
                f"{HOME}.objective:SelfPrediction",
                "self-prediction without negatives, as the official code",
                SPR,
                reads=Jumps,
                cost="O(B D)",
            ),
        ),
    },
    stages=(DeepStage(),),
    trainer=DeepTrainer,
    evaluation=DeepEvaluation,
    presets={
        "deepsea": {
            "sampler": {  # one copy: several without chance would all do the same
                "envs": 1,
                "updates": 1,
                "warmup": 200,
                "epsilon": 0.0,
                "decay": 300,
                "gamma": 2.0,
                "lam": 0.1,
                "refresh": 50,
            },
            "encoder": {"width": 64},
            "trainer": {"max_epochs": 6},
        },
        "atari": {
            "sampler": {
                "envs": 1,
                "updates": 2,
                "batch_size": 32,
                "replay": 100_000,
                "warmup": 2000,
                "epsilon": 0.0,
                "decay": 2001,
                "n_step": 10,
                "jumps": 5,
                "gamma": 1.0,
            },
            "encoder": {"width": 256, "atoms": 51, "shift": 4},
            "trainer": {
                "max_steps": 100_000,
                "lr": 1e-4,
                "contrast_weight": 5.0,
                "target_every": 1,
            },
            "evaluation": {"episodes": 100},
        },
    },
    references=("paper", "official"),
    words={"env": "data.env"},
)
