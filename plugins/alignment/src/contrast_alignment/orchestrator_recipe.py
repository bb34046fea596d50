"""The preference orchestrator as a recipe, `method=orchestrator`. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from contrast.forms import Lists
from contrast.recipe import ObjectivePart, Part, Recipe, Settings, setting
from contrast_alignment.orchestrator_stage import OrchestrateStage
from contrast_alignment.reward_recipe import (
    HOME,
    OWN,
    PAIRS,
    OwnWindowSettings,
    PlainSettings,
    PretrainedClassifierSettings,
    VoteTrainer,
    WindowSettings,
)


@dataclass(frozen=True)
class RewardedSettings(WindowSettings):
    """The published dialogues, and the rewards of their preferred responses."""

    rewards: tuple[str, ...] = setting(
        ("vowels", "short_words", "new_words"),
        "objectives: folders of reward models, rules, or your module:function",
    )
    temperature: float = setting(1.0, "of the weights aimed at (inferred)", above=0)


@dataclass(frozen=True)
class OwnRewardedSettings(OwnWindowSettings):
    """Your own records, and the rewards of their preferred responses."""

    rewards: tuple[str, ...] = setting(
        ("vowels", "short_words", "new_words"),
        "objectives: folders of reward models, rules, or your module:function",
    )
    temperature: float = setting(1.0, "of the weights aimed at (inferred)", above=0)


@dataclass(frozen=True)
class PromptSettings(Settings):
    """Batches of prompts."""

    batch_size: int = setting(32, "prompts a batch", low=1)


@dataclass(frozen=True)
class BagSettings(Settings):
    """The mean of learnt token vectors, and a layer."""

    vocabulary: int = setting(1024, "tokens, learnt from the text", low=300)
    width: int = setting(64, "width of a token's vector", low=1)
    hidden: int = setting(64, "width of the hidden layer", low=1)


@dataclass(frozen=True)
class FrozenSettings(PretrainedClassifierSettings):
    """The mean state of a frozen language model, and a layer."""

    hidden: int = setting(64, "width of the hidden layer", low=1)


@dataclass(frozen=True)
class OrchestratorTrainer(VoteTrainer):
    """AdamW on clipped gradients."""

    max_epochs: int = setting(20, "epochs to train at most; 0 trains nothing", low=0)


ORCHESTRATOR = Recipe(
    name="orchestrator",
    summary="A prompt says which of several rewards matters how much.",
    paper="arXiv:2511.10656",
    gives=Lists,
    slots={
        "data": (
            Part("hh_harmless", RewardedSettings, f"{HOME}.orchestrator_data:hh_harmless", PAIRS),
            Part("records", OwnRewardedSettings, f"{HOME}.orchestrator_data:own_records", OWN),
        ),
        "sampler": (
            Part("prompts", PromptSettings, f"{HOME}.orchestrator_data:PromptSampler", "shuffled"),
        ),
        "encoder": (
            Part(
                "bag",
                BagSettings,
                f"{HOME}.orchestrator_model:bag",
                "the mean of token vectors",
                sizes=("tokens", "objectives"),
            ),
            Part(
                "pretrained",
                FrozenSettings,
                f"{HOME}.orchestrator_model:frozen",
                "the mean state of a frozen language model",
                sizes=("tokens", "objectives"),
            ),
        ),
        "objective": (
            ObjectivePart(
                "simplex_regression",
                PlainSettings,
                f"{HOME}.orchestrator:build_regression",
                "KL to the weights aimed at",
                "https://arxiv.org/abs/2511.10656",
                reads=Lists,
                needs=frozenset({"targets"}),
                cost="O(N K)",
            ),
        ),
    },
    stages=(OrchestrateStage(),),
    trainer=OrchestratorTrainer,
    presets={
        "hh_harmless": {"data": {"max_tokens": 160, "max_prompt_tokens": 64}},
        "records": {},
    },
    provides=frozenset({"targets", "sample_ids", "tokens", "objectives"}),
    transductive=(
        "Weights are used with their rewards: `data.reward=RUN/orchestrator` aligns a policy to "
        "the rewards as each prompt weighs them."
    ),
)
