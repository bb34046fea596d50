"""SIRL as a recipe: settings, parts, presets. Imports no torch.

Similarity-based Implicit Representation Learning, arXiv:2301.00810 (HRI 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_sirl.form import Triples
from contrast_sirl.stage import RepresentStage, RewardStage

PAPER = "arXiv:2301.00810"
HELD_OUT = "share of the trajectories that is tested on"
SCALE = "rows over which features are brought to [0, 1]"


@dataclass(frozen=True)
class GridRobotSettings(Settings):
    """All 1960 trajectories of GridRobot."""

    features: Literal["paper4", "code2"] = setting(
        "paper4", "three distances and the tilt, or one distance and the tilt"
    )
    held_out: float = setting(0.2, HELD_OUT, low=0, below=1)
    scale_by: Literal["all", "train"] = setting("all", SCALE)


@dataclass(frozen=True)
class JacoSettings(Settings):
    """Bent joint paths of the arm between random poses."""

    trajectories: int = setting(2000, "trajectories", low=3)
    pairs: int = setting(100, "pairs of start and goal", low=1)
    radius: float = setting(0.8, "metres within which laptop and person are felt", above=0)
    joints: bool = setting(False, "97 numbers a waypoint, with angles and rotations; else 27")
    split_by: Literal["pair", "trajectory"] = setting("pair", "what is held out together")
    held_out: float = setting(0.2, HELD_OUT, low=0, below=1)
    scale_by: Literal["all", "train"] = setting("all", SCALE)


@dataclass(frozen=True)
class OwnSettings(Settings):
    """Your own trajectories, and what people said of them."""

    path: str = setting(
        "trajectories.npz", "a .npz, .parquet or .csv file, a Minari or a LeRobot folder"
    )
    answers: str = setting("", "CSV of which two of three are alike; empty: none")
    preferences: str = setting("", "CSV of which of two is better; empty: none")
    features: str = setting("", "table of true features by trajectory; empty: none")
    draw: tuple[str, ...] = setting((), "the two numbers that are drawn; empty: the first two")
    held_out: float = setting(0.2, HELD_OUT, low=0, below=1)


@dataclass(frozen=True)
class QuestionSettings(Settings):
    """Questions about three random trajectories."""

    queries: int = setting(1000, "questions that a simulated person answers", low=1)
    batch_size: int = setting(64, "answers a step", low=1)
    answer_rule: Literal["closest_pair", "anchor"] = setting(
        "closest_pair", "of a simulated person: the nearest two, or the first with its nearest"
    )
    rationality: float | None = setting(
        None, "of a simulated person, who errs as exp(-rationality d^2); null: never errs", low=0
    )


@dataclass(frozen=True)
class RandomSettings(QuestionSettings):
    """Random questions; people's answers where the data bring them."""

    held_out: float = setting(0.1, "share of people's answers that is tested on", low=0, below=1)


@dataclass(frozen=True)
class ActiveSettings(QuestionSettings):
    """Questions on which an ensemble disagrees."""

    queries: int = setting(600, "questions that a simulated person answers", low=1)
    first: int = setting(100, "random questions before the first chosen one", low=1)
    round: int = setting(50, "questions that are chosen at a time", low=1)
    members: int = setting(4, "encoders of the ensemble", low=2)
    round_steps: int = setting(800, "steps that the ensemble learns before each round", low=1)


@dataclass(frozen=True)
class EncoderSettings(Settings):
    """A perceptron with two hidden layers."""

    hidden: int = setting(128, "width of the hidden layers", low=1)
    width: int = setting(6, "width of the embedding", low=1)
    standardise: bool = setting(False, "z-score the numbers of a step first")


@dataclass(frozen=True)
class SimilaritySettings(Settings):
    """The triplet loss of the answers."""

    margin: float = setting(1.0, "by how much nearer the two that are alike shall be", low=0)
    squared: bool = setting(False, "squared distances")
    symmetric: bool = setting(True, "each of the two as the anchor; false: P1 alone")
    l2_weight: float = setting(0.0, "weight of the mean square of embeddings", low=0)


@dataclass(frozen=True)
class ChoiceSettings(Settings):
    """Cross-entropy of the answers, without margin."""


@dataclass(frozen=True)
class SirlTrainer(TrainerConfig):
    """3000 steps for the encoder, 300 for the reward."""

    max_epochs: int = setting(30, "of 100 steps (reward: 10 steps)", low=0)
    lr: float = setting(0.004, "learning rate", above=0, high=1e30)


@dataclass(frozen=True)
class EvaluationSettings(Settings):
    """Simulated people with preferences, and what else is trained beside."""

    people: int = setting(20, "simulated people whose preferences are learnt", low=1)
    preferences: int = setting(100, "preferences of each", low=1)
    rationality: float | None = setting(
        10.0, "of preferences, by Bradley-Terry; null: never errs", low=0
    )
    compare: tuple[int, ...] = setting(
        (100, 300, 1000), "numbers of queries at which baselines are trained; []: none", low=10
    )


MODULE = "contrast_sirl"
SIZES = ("length", "numbers", "constants", "ragged")

SIRL = Recipe(
    name="sirl",
    summary="Robot features from answers to which two of three behaviours are alike.",
    paper=PAPER,
    gives=Triples,
    slots={
        "data": (
            Part(
                "gridrobot",
                GridRobotSettings,
                f"{MODULE}.data:gridrobot",
                "a 5 x 5 grid with three objects: 1960 trajectories; made on the spot",
            ),
            Part(
                "jaco",
                JacoSettings,
                f"{MODULE}.data:jaco",
                "a 7-joint arm beside a person and a laptop; made on the spot",
            ),
            Part("trajectories", OwnSettings, f"{MODULE}.own:trajectories", "your own"),
        ),
        "sampler": (
            Part(
                "random",
                RandomSettings,
                f"{MODULE}.sampler:QuestionSampler",
                "questions about three random trajectories, or people's own answers",
            ),
            Part(
                "active",
                ActiveSettings,
                f"{MODULE}.active:ActiveSampler",
                "questions on which an ensemble disagrees, to a simulated person",
            ),
        ),
        "encoder": (
            Part(
                "mlp",
                EncoderSettings,
                f"{MODULE}.encoder:TrajectoryEncoder",
                "two hidden layers on the flattened trajectory",
                sizes=SIZES,
            ),
        ),
        "objective": (
            ObjectivePart(
                "similarity",
                SimilaritySettings,
                f"{MODULE}.objective:Similarity",
                "the two that are alike are nearer than the odd one out, by a margin",
                PAPER,
                reads=Triples,
                cost="O(B D)",
            ),
            ObjectivePart(
                "choice_ce",
                ChoiceSettings,
                f"{MODULE}.objective:Choice",
                "cross-entropy of the choice among the three pairs; no margin",
                reads=Triples,
                cost="O(B D)",
            ),
        ),
    },
    stages=(RepresentStage(), RewardStage()),
    trainer=SirlTrainer,
    evaluation=EvaluationSettings,
    presets={
        "jaco": {"encoder": {"hidden": 256}, "trainer": {"lr": 0.001, "max_epochs": 15}},
        "trajectories": {"encoder": {"standardise": True}, "evaluation": {"compare": ()}},
    },
    provides=frozenset({*SIZES, "samples"}),
)
