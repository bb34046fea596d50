"""Contrastive UCB as a recipe: settings, parts, presets. Imports no torch.

Contrastive UCB, arXiv:2207.14800 (ICML 2022): the theory's algorithm for one agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_ucb.form import Transitions
from contrast_ucb.stage import ExploreStage

PAPER = "arXiv:2207.14800"
LSVI = "arXiv:1907.05388"


@dataclass(frozen=True)
class ComboLockSettings(Settings):
    """A combination lock whose states are seen through observations."""

    horizon: int = setting(5, "steps of an episode", low=1)
    actions: int = setting(4, "actions, of which one is right", low=2)
    observations: int = setting(4, "observations of each of three latent states", low=1)
    decoy: float = setting(0.1, "reward of a wrong first action", low=0, high=1)


@dataclass(frozen=True)
class LowRankSettings(Settings):
    """A random process whose kernel has low rank."""

    horizon: int = setting(5, "steps of an episode", low=1)
    states: int = setting(12, "states", low=2)
    actions: int = setting(4, "actions", low=2)
    rank: int = setting(3, "rank of the kernel", low=1)


@dataclass(frozen=True)
class OwnSettings(Settings):
    """A process of your own, as arrays."""

    path: str = setting("process.npz", "an .npz with transitions, rewards and start")


@dataclass(frozen=True)
class GymnasiumSettings(Settings):
    """A gymnasium environment that holds its table of transitions."""

    env: str = setting("FrozenLake-v1", "its id")
    horizon: int = setting(20, "steps of an episode", low=1)


@dataclass(frozen=True)
class LockGameSettings(Settings):
    """A combination lock with a matrix game behind it."""

    horizon: int = setting(4, "steps of an episode", low=1)
    actions: int = setting(3, "actions of the first player", low=2)
    replies: int = setting(2, "actions of the second player", low=1)
    observations: int = setting(2, "observations of each of three latent states", low=1)


@dataclass(frozen=True)
class ExplorerSettings(Settings):
    """An optimistic explorer."""

    gamma: float = setting(1.0, "weight of the bonus; 0: none", low=0)
    lam: float = setting(1.0, "ridge of the covariance", above=0)
    epsilon: float = setting(0.0, "share of random actions in the roll-in", low=0, high=1)
    negatives: Literal["exact", "drawn", "bernoulli"] = setting(
        "exact", "noise: its expectation, ten draws a successor, or a coin between the two"
    )


@dataclass(frozen=True)
class FeatureSettings(Settings):
    """Tabular features, bounded."""

    rank: int = setting(3, "width d of phi and psi", low=1)


@dataclass(frozen=True)
class NCESettings(Settings):
    """The contrastive loss on transitions."""


@dataclass(frozen=True)
class UCBTrainer(TrainerConfig):
    """500 iterations with four updates each."""

    max_epochs: int = setting(50, "of 10 iterations, each H episodes", low=0)
    lr: float = setting(0.3, "learning rate", above=0, high=1e30)
    fits: int = setting(4, "updates of the features an iteration", low=1)


@dataclass(frozen=True)
class GameTrainer(UCBTrainer):
    """300 iterations with four updates each."""

    max_epochs: int = setting(30, "of 10 iterations, each H episodes", low=0)


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """What runs beside, under the same budget."""

    compare: tuple[str, ...] = setting(
        ("no_bonus", "epsilon", "counts", "lsvi"),
        "baselines: no_bonus, epsilon, counts, lsvi; []: none",
    )
    seeds: int = setting(3, "seeds of each baseline", low=1)


@dataclass(frozen=True)
class GameEvaluation(EvaluationSettings):
    """What runs beside, under the same budget."""

    compare: tuple[str, ...] = setting(("no_bonus",), "baselines: no_bonus, epsilon; []: none")


MODULE = "contrast_ucb"
SIZES = ("horizon", "states", "actions")

TABULAR = Part(
    "tabular",
    FeatureSettings,
    f"{MODULE}.encoder:TabularFeatures",
    "phi in the simplex, psi below 1 / C_neg",
    sizes=SIZES,
)
NCE = ObjectivePart(
    "nce",
    NCESettings,
    f"{MODULE}.objective:TransitionNCE",
    "a true successor against noise, by the log of a bounded score",
    PAPER,
    reads=Transitions,
    cost="O(H S A S)",
)

THEORY = Recipe(
    name="theory",
    summary="Exploration by a bonus on features that a contrastive loss learns, with exact regret.",
    paper=PAPER,
    gives=Transitions,
    slots={
        "data": (
            Part(
                "combolock",
                ComboLockSettings,
                f"{MODULE}.environments:combolock",
                "a lock with one right action a step and a decoy; made on the spot",
            ),
            Part(
                "lowrank",
                LowRankSettings,
                f"{MODULE}.environments:low_rank",
                "a random process of low rank; made on the spot",
            ),
            Part(
                "own",
                OwnSettings,
                f"{MODULE}.process:own_process",
                "a process of your own, as arrays in a file",
            ),
            Part(
                "gymnasium",
                GymnasiumSettings,
                f"{MODULE}.process:gymnasium_process",
                "an environment that holds its table: FrozenLake and its like",
            ),
        ),
        "sampler": (
            Part(
                "ucb",
                ExplorerSettings,
                f"{MODULE}.sampler:Explorer",
                "elliptical bonus on the learnt features",
                PAPER,
            ),
            Part(
                "counts",
                ExplorerSettings,
                f"{MODULE}.sampler:CountExplorer",
                "empirical model and bonus of counts",
            ),
            Part(
                "lsvi",
                ExplorerSettings,
                f"{MODULE}.sampler:LSVIExplorer",
                "least-squares values on the true features",
                LSVI,
            ),
        ),
        "encoder": (TABULAR,),
        "objective": (NCE,),
    },
    stages=(ExploreStage(),),
    trainer=UCBTrainer,
    evaluation=EvaluationSettings,
    provides=frozenset(SIZES),
)

GAME = Recipe(
    name="game",
    summary="Two players, zero sum: equilibria between optimistic and pessimistic values.",
    paper=PAPER,
    gives=Transitions,
    slots={
        "data": (
            Part(
                "lockgame",
                LockGameSettings,
                f"{MODULE}.environments:lockgame",
                "a lock with a matrix game behind it; made on the spot",
            ),
        ),
        "sampler": (
            Part(
                "ucb_lcb",
                ExplorerSettings,
                f"{MODULE}.sampler:GameExplorer",
                "upper and lower values, coarse correlated equilibria",
                PAPER,
            ),
        ),
        "encoder": (TABULAR,),
        "objective": (NCE,),
    },
    stages=(ExploreStage(),),
    trainer=GameTrainer,
    evaluation=GameEvaluation,
    provides=frozenset(SIZES),
)
