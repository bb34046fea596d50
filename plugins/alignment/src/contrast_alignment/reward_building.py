"""The parts of both stages of reward models, built and checked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Generator, nn

from contrast.errors import ConfigError, listing
from contrast.files import write_atomically
from contrast.interfaces import Moment, Parts
from contrast.recipe import RunConfig, Stage
from contrast_alignment.models import tokenizer_for, without_progress
from contrast_alignment.reward_data import Judged, Judgements
from contrast_alignment.reward_model import RewardModel, Voters
from contrast_alignment.reward_objective import VOTED
from contrast_alignment.reward_scorer import WINDOW


def reward_parts(stage: Stage, config: RunConfig, at: Moment) -> Parts:
    """The records, the model and its objective.

    Raises: ConfigError: dropout is needed and 0; and see `refuse_mismatch`.
    """
    refuse_mismatch(config)
    data = judged(config, at)
    sizes = sizes_of(data, config)
    encoder, objective = stage.build_modules(config, sizes)
    sampler = config.build("sampler", data)
    return Parts(data, sampler, encoder, objective, sizes)


def reward_modules(config: RunConfig, sizes: dict[str, Any]) -> tuple[RewardModel, Any]:
    """The model, read twice if its states are contrasted, and the objective."""
    encoder = classifier(config, sizes)
    contrast = getattr(config.objective, "contrast", "none")
    encoder.twice = contrast != "none"
    if encoder.twice and not has_dropout(encoder):
        raise ConfigError(
            f"`objective.contrast={contrast}` contrasts two dropouts, and this model has none: "
            "set `encoder.dropout` above 0, or use a model whose configuration has dropout"
        )
    width = encoder.model.config.hidden_size
    return encoder, config.build_sized("objective", {**sizes, "state_width": width})


def voting_parts(stage: Stage, config: RunConfig, at: Moment) -> Parts:
    """The records, cut into folds anew for each voter, and all models.

    Raises: ConfigError: there are fewer records than folds.
    """
    data = judged(config, at)
    sizes = sizes_of(data, config)
    sampler = config.build("sampler", data, generator=at.shared("folds"))
    encoder, objective = stage.build_modules(config, sizes)
    return Parts(data, sampler, encoder, objective, sizes)


def voting_modules(config: RunConfig, sizes: dict[str, Any]) -> tuple[Voters, Any]:
    """A model for each voter and each fold, and the objective of each."""
    count = config.sampler.voters * config.sampler.folds
    voters = [classifier(config, sizes) for _ in range(count)]
    return Voters(voters), config.build_sized("objective", sizes)


def judged(config: RunConfig, at: Moment) -> Judged:
    """The records as tokens of the model's tokenizer, or of one learnt from the training part."""
    texts: Judgements = config.build("data", generator=splitting(at))
    return texts.tokenized(tokenizer_for(config.encoder, texts.records.texts()))


def splitting(at: Moment) -> Generator:
    """What draws the held-out prompts: the same for all methods of one seed."""
    return replace(at, stage="records").shared("split")


def sizes_of(data: Judged, config: RunConfig) -> dict[str, Any]:
    """How many tokens there are, and how many a conversation may have."""
    tokenizer = data.task.tokenizer
    return {
        "tokens": len(tokenizer),
        "positions": config.data.max_tokens,
        "pad": tokenizer.pad_token_id,
    }


def classifier(config: RunConfig, sizes: dict[str, Any]) -> RewardModel:
    """The chosen model, which pads as its tokenizer does."""
    encoder = config.build_sized("encoder", sizes)
    encoder.model.config.pad_token_id = sizes["pad"]
    return encoder


def deliver_model(parts: Parts, folder: Path) -> None:
    """The classifier with its tokenizer, and how conversations were cut."""
    with without_progress():
        parts.encoder.model.save_pretrained(folder)
    tokenizer, window = parts.data.task.tokenizer, parts.data.texts.records.window
    tokenizer.save_pretrained(folder)
    cut = [window.tokens, window.prompt_tokens, window.prompt_side]
    write_atomically(folder / WINDOW, json.dumps(cut))


def refuse_mismatch(config: RunConfig) -> None:
    """Raises: ConfigError: votes or a policy's responses are needed and missing, or not used."""
    kind = getattr(config.objective, "kind", "")
    if kind in VOTED and not config.data.votes:
        raise ConfigError(
            f"`objective.kind={kind}` needs votes on the labels: train voters by `contrast run "
            "plugin=alignment method=votes`, then set `data.votes=RUN/votes.jsonl`"
        )
    if config.data.votes and kind not in VOTED:
        raise ConfigError(
            f"`data.votes` is of no use to `objective.kind={kind}`: choose one of {listing(VOTED)}"
        )
    ahead = config.trainers["reward"].meta_rate
    if config.data.drawn and not ahead:
        raise ConfigError("`data.drawn` is of no use unless `trainer.meta_rate` is above 0")
    if ahead and not config.data.drawn:
        raise ConfigError(
            "`trainer.meta_rate` looks ahead on what a policy writes: set `data.drawn` to a file "
            "of records with `prompt` and `responses`"
        )


def has_dropout(module: nn.Module) -> bool:
    """Whether anything is dropped at random in training."""
    rates = (
        rate
        for each in module.modules()
        for rate in (getattr(each, "p", 0.0), getattr(each, "attention_dropout", 0.0))
        if isinstance(rate, float)
    )
    return any(rate > 0 for rate in rates)
