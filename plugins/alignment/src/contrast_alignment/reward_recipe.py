"""Reward models as recipes: `method=reward`, and `method=votes` on labels. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from contrast.errors import ConfigError
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, TrainerConfig, setting
from contrast_alignment.form import Rated
from contrast_alignment.reward_stage import RewardStage, VoteStage

HOME = "contrast_alignment"
SECRETS = "https://arxiv.org/abs/2401.06080"


@dataclass(frozen=True)
class WindowSettings(Settings):
    """Records of what people prefer, as far as they are read."""

    max_tokens: int = setting(1024, "of a prompt and a response; longer responses are cut", low=2)
    max_prompt_tokens: int = setting(512, "of a prompt; longer ones are cut", low=1)
    prompt_side: Literal["left", "right"] = setting("left", "where a long prompt is cut")


@dataclass(frozen=True)
class JudgedSettings(WindowSettings):
    """The published dialogues, and what else is known or asked."""

    votes: str = setting("", "votes.jsonl of a run of `method=votes` on the same records")
    drawn: str = setting("", "records (prompt, responses) of the policy's own, for MetaRM")
    elsewhere: str = setting("", "records of another kind, which are judged as well")


@dataclass(frozen=True)
class OwnJudgedSettings(JudgedSettings):
    """Your own records, and what else is known or asked."""

    path: str = setting("", "pairs or lists: JSON lines, JSON or Parquet")
    valid_share: float = setting(0.1, "share of the prompts that is held out", low=0, below=1)


@dataclass(frozen=True)
class OwnWindowSettings(WindowSettings):
    """Your own records."""

    path: str = setting("", "pairs or lists: JSON lines, JSON or Parquet")
    valid_share: float = setting(0.1, "share of the prompts that is held out", low=0, below=1)


@dataclass(frozen=True)
class RewardSamplerSettings(Settings):
    """Batches of prompts with their responses."""

    batch_size: int = setting(32, "prompts a batch", low=1)
    drawn_prompts: int = setting(8, "prompts of the policy's own responses a step", low=1)


@dataclass(frozen=True)
class VotingSettings(Settings):
    """Who votes on which records."""

    batch_size: int = setting(32, "prompts a batch", low=1)
    voters: int = setting(10, "votes on each record", low=2)
    folds: int = setting(2, "parts of the records; nobody votes on what it was trained on", low=2)


@dataclass(frozen=True)
class TinyClassifierSettings(Settings):
    """A small GPT-2 from scratch."""

    vocabulary: int = setting(1024, "tokens, learnt from the text", low=300)
    width: int = setting(64, "width of the states", low=4)
    layers: int = setting(1, "layers", low=1)
    heads: int = setting(4, "heads of each attention", low=1)
    dropout: float = setting(0.1, "of states", low=0, below=1)

    def __post_init__(self) -> None:
        """Raises: ConfigError: the heads do not divide the width."""
        super().__post_init__()
        if self.width % self.heads:
            raise ConfigError(
                f"`encoder.width` must be a multiple of `encoder.heads`, got {self.width} and "
                f"{self.heads}"
            )


@dataclass(frozen=True)
class PretrainedClassifierSettings(Settings):
    """A decoder that transformers can load as a sequence classifier."""

    model: str = setting("", "a folder, or a name on the hub with `revision`")
    revision: str = setting("", "commit of a model on the hub")


@dataclass(frozen=True)
class RewardSettings(Settings):
    """Preferences among rewards, and a contrast of the states behind them."""

    kind: Literal[
        "plain", "smoothing", "margin", "flip", "flip_margin", "soft_label_margin", "released"
    ] = setting("plain", "Bradley-Terry, or what is made of votes on the labels")
    alpha: float = setting(
        0.1, "chance that a label is wrong, of the smoothed kinds", low=0, high=1
    )
    contrast: Literal["none", "simcse", "swav"] = setting("none", "two dropouts of a state")
    contrast_on: Literal["difference", "responses"] = setting(
        "difference", "the best response's state less the worst one's, or every response's"
    )
    contrast_weight: float = setting(0.1, "weight of the contrast (inferred)", low=0)
    temperature: float = setting(0.1, "of the contrast (inferred)", above=0)
    prototypes: int = setting(16, "of swav (inferred)", low=2)


@dataclass(frozen=True)
class PlainSettings(Settings):
    """Bradley-Terry."""


@dataclass(frozen=True)
class VoteTrainer(TrainerConfig):
    """AdamW on clipped gradients."""

    max_epochs: int = setting(2, "epochs to train at most; 0 trains nothing", low=0)
    lr: float = setting(1e-3, "learning rate", above=0, high=1e30)
    optimizer: Literal["adam", "adamw", "sgd"] = setting("adamw", "optimiser of every group")
    schedule: Literal["constant", "cosine", "linear"] = setting("linear", "of the learning rate")
    clip_norm: float = setting(1.0, "largest norm of the gradient; 0 clips nothing", low=0)
    checkpoint_every: int = setting(0, "epochs between checkpoints; 0: only the last", low=0)


@dataclass(frozen=True)
class RewardTrainer(VoteTrainer):
    """The same, with MetaRM's look ahead."""

    meta_rate: float = setting(0.0, "step by which MetaRM looks ahead; 0: no MetaRM", low=0)


@dataclass(frozen=True)
class RewardEvaluation(Settings):
    """Held-out preferences."""

    shown: int = setting(10, "training records whose labels are doubted most, shown", low=0)


PAIRS = "1,669 dialogues with two replies; downloaded, or from CONTRAST_DATA_DIR"
OWN = "your own pairs or lists"
CLASSIFIERS = (
    Part(
        "tiny",
        TinyClassifierSettings,
        f"{HOME}.reward_model:tiny",
        "a small GPT-2 from scratch",
        sizes=("tokens", "positions"),
    ),
    Part(
        "pretrained",
        PretrainedClassifierSettings,
        f"{HOME}.reward_model:pretrained",
        "a decoder that transformers can load",
        sizes=("tokens", "positions"),
    ),
)
SHORT = {"data": {"max_tokens": 160, "max_prompt_tokens": 64}}
OWN_MODEL = {
    "encoder": {"name": "pretrained"},
    "trainer": {"max_epochs": 1, "lr": 5e-6, "warmup_steps": 100},
}

REWARD = Recipe(
    name="reward",
    summary="A reward model learns what people prefer.",
    paper="arXiv:2401.06080",
    gives=Rated,
    slots={
        "data": (
            Part("hh_harmless", JudgedSettings, f"{HOME}.reward_data:hh_harmless", PAIRS),
            Part("records", OwnJudgedSettings, f"{HOME}.reward_data:own_records", OWN),
        ),
        "sampler": (
            Part(
                "lists",
                RewardSamplerSettings,
                f"{HOME}.reward_sampler:RewardSampler",
                "prompts with their responses, by similar length",
            ),
        ),
        "encoder": CLASSIFIERS,
        "objective": (
            ObjectivePart(
                "reward",
                RewardSettings,
                f"{HOME}.reward_objective:RewardObjective",
                "Bradley-Terry, margins, flips, soft labels, contrast",
                SECRETS,
                sizes=("state_width",),
                reads=Rated,
                needs=frozenset({"targets"}),
                cost="O(N K^2) beside the model",
            ),
        ),
    },
    stages=(RewardStage(),),
    trainer=RewardTrainer,
    evaluation=RewardEvaluation,
    presets={"hh_harmless": SHORT, "records": OWN_MODEL},
    provides=frozenset({"targets", "sample_ids", "tokens", "positions", "state_width"}),
    transductive=(
        "A reward model is used as a sequence classifier: RUN/model is a folder that transformers "
        "loads, and `data.reward=RUN/model` aligns a policy to it."
    ),
)

VOTES = Recipe(
    name="votes",
    summary="Reward models vote on the labels that they have not seen.",
    paper="arXiv:2401.06080",
    gives=Rated,
    slots={
        "data": (
            Part("hh_harmless", WindowSettings, f"{HOME}.reward_data:hh_harmless", PAIRS),
            Part("records", OwnWindowSettings, f"{HOME}.reward_data:own_records", OWN),
        ),
        "sampler": (
            Part("folds", VotingSettings, f"{HOME}.reward_votes:FoldSampler", "a part left out"),
        ),
        "encoder": CLASSIFIERS,
        "objective": (
            ObjectivePart(
                "plain",
                PlainSettings,
                f"{HOME}.reward_objective:build_plain",
                "Bradley-Terry",
                SECRETS,
                reads=Rated,
                needs=frozenset({"targets"}),
                cost="O(N K^2) beside the model",
            ),
        ),
    },
    stages=(VoteStage(),),
    trainer=VoteTrainer,
    evaluation=RewardEvaluation,
    presets={"hh_harmless": SHORT, "records": OWN_MODEL},
    provides=frozenset({"targets", "sample_ids", "tokens", "positions"}),
    transductive="Votes are on the records of the run: RUN/votes.jsonl.",
)
