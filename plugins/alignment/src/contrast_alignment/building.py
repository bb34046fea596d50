"""The parts of both stages, built; and the model written out for transformers."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

from contrast.errors import ConfigError
from contrast.interfaces import Moment, Parts
from contrast.recipe import RunConfig, Stage
from contrast_alignment.cached import cached_reference
from contrast_alignment.models import tokenizer_for, without_progress
from contrast_alignment.policy import Policy, trained_apart
from contrast_alignment.reference import NAME
from contrast_alignment.rewards import reward_named
from contrast_alignment.sampler import Crops, CropSampler, ListSampler
from contrast_alignment.task import Task, asked, tokens_of, with_answers
from contrast_alignment.texts import Texts

# What the formulas of objectives (and kinds) can do with grades: shares of a sum, chances, and
# gains 2^grade, which float32 must hold.
GRADES = {
    ("lipo", "lambda"): (-math.inf, 100),
    ("lipo", "softmax"): (0, math.inf),
    ("lipo", "sigmoid"): (0, 1),
    ("irpo", ""): (0, 100),
}


def fine_tuning_parts(stage: Stage, config: RunConfig, at: Moment) -> Parts:
    """Texts or records as tokens, and the model as it comes.

    Raises: ConfigError: the records do not suit the objective, the stage or the model.
    """
    refuse_reference(config, stage)
    source = config.build("data", generator=at.shared("data"))
    if source.asking is not None:
        reward_named(source.asking.reward)  # a name that is wrong is told before any training
    if not config.chosen["objective"].sizes:
        config.build_sized("objective", {})  # and so is a function that cannot be imported
    texts = source.train if isinstance(source, Texts) else source.texts()
    tokenizer = tokenizer_for(config.encoder, texts)
    size = config.sampler.batch_size
    if isinstance(source, Texts):
        train, valid = (tokens_of(tokenizer, part) for part in (source.train, source.valid))
        piece = min(config.sampler.piece, len(train), max(len(valid), 2))
        sampler: Any = CropSampler(Crops(train, valid, piece), batch_size=size)
        data: Any = (source, tokenizer)
    else:
        data = source.tokenized(tokenizer)
        refuse_unfit(data, config, stage)
        sampler = ListSampler(*data.good(), batch_size=size)
    sizes = {"tokens": len(tokenizer)}
    encoder, _ = stage.build_modules(config, sizes)
    refuse_long(encoder, config.data)
    return Parts(data, sampler, encoder, None, sizes)


def refuse_reference(config: RunConfig, stage: Stage) -> None:
    """Raises: ConfigError: the chosen reference cannot give what the objective needs."""
    kind, chosen = config.encoder.reference_model, config.chosen["objective"]
    if kind == "none" and "reference" in chosen.needs:
        raise ConfigError(
            f"`objective={chosen.name}` compares with a reference, and "
            "`encoder.reference_model=none` keeps none: use `copy` or `cache`"
        )
    if kind == "cache" and "mismatched" in chosen.needs:
        raise ConfigError(
            f"`objective={chosen.name}` scores responses under other prompts as well, which no "
            "cache holds: use `encoder.reference_model=copy`"
        )
    trainer = config.trainers[stage.name]
    if kind == "adapter_off" and (trainer.max_steps or trainer.max_epochs):
        raise ConfigError(
            "with `encoder.reference_model=adapter_off` the reference is the model as it came, "
            "not the fine-tuned one: use `copy` or `cache`, or switch fine-tuning off by "
            f"`trainer.{stage.name}.max_steps=0 trainer.{stage.name}.max_epochs=0`"
        )


def refuse_unfit(task: Task, config: RunConfig, stage: Stage) -> None:
    """Raises: ConfigError: records that the objective, or fine-tuning, can do nothing with."""
    alone = task.asking is None and all(len(item.responses) == 1 for item in task.train)
    if alone and "mismatched" not in config.chosen["objective"].needs:
        raise ConfigError(
            "the records have one response each (prompt, completion, label), and "
            f"`objective={config.chosen['objective'].name}` compares responses to one prompt\n"
            "Use `objective=kto`, which treats each response by itself."
        )
    refuse_grades(task, config)
    trainer = config.trainers[stage.name]
    if not task.good()[0] and (trainer.max_steps or trainer.max_epochs):
        raise ConfigError(
            "the records hold no good response to fine-tune on: switch that stage off by "
            f"`trainer.{stage.name}.max_steps=0 trainer.{stage.name}.max_epochs=0`"
        )


def refuse_grades(task: Task, config: RunConfig) -> None:
    """Raises: ConfigError: grades of which the objective's formula makes no sense."""
    name, kind = config.chosen["objective"].name, getattr(config.objective, "kind", "")
    low, high = GRADES.get((name, kind), (-math.inf, math.inf))
    grades = [grade for item in task.train for grade in item.grades]
    wrong = next((grade for grade in grades if not low <= grade <= high), None)
    if wrong is not None:
        chosen = f"objective.kind={kind}" if kind else f"objective={name}"
        raise ConfigError(
            f"`{chosen}` takes grades from {low:g} to {high:g}, and one response has {wrong:g}\n"
            "Bring the grades there, give `ranks` in place of `scores`, or take another objective."
        )


def refuse_long(encoder: Policy, data: Any) -> None:
    """Raises: ConfigError: conversations may be longer than what the model can read."""
    positions = getattr(encoder.model.config, "max_position_embeddings", None)
    prompt = getattr(data, "max_prompt_tokens", None) or data.prompt_tokens
    longest = {"max_tokens": getattr(data, "max_tokens", 0)}
    longest["response_tokens"] = prompt + data.response_tokens
    for key, tokens in longest.items():
        if positions and tokens > positions:
            raise ConfigError(
                f"the model reads {positions} tokens, and a conversation may have {tokens}: "
                f"lower `data.{key}`"
            )


def alignment_parts(
    stage: Stage, config: RunConfig, earlier: dict[str, Parts], at: Moment
) -> Parts:
    """The tuned model beside its reference, and what it is aligned to.

    Raises: ConfigError, DataError: see `refuse_grades` and `contrast_alignment.task.asked`.
    """
    before = earlier["sft"]
    encoder = trained_apart(before.encoder)
    task = answered_task(before.data, encoder.model, at)
    refuse_grades(task, config)
    sampler = ListSampler(
        task.train,
        task.valid,
        batch_size=config.sampler.batch_size,
        mismatched="mismatched" in config.chosen["objective"].needs,
    )
    encoder.keep_reference(config.encoder.reference_model)
    if config.encoder.reference_model == "cache":
        sampler.reference = cached_reference(encoder, sampler, task, config, stage.name)
    return Parts(
        task, sampler, encoder, config.build_sized("objective", before.sizes), before.sizes
    )


def answered_task(data: Any, model: Any, at: Moment) -> Task:
    """What the first stage knew of the data, with the model's own answers where they are asked."""
    generator = at.shared("responses")
    if not isinstance(data, Task):
        texts, tokenizer = data
        return asked(texts, tokenizer, model, generator)
    if data.asking is None:
        return data
    return with_answers(data, (("train", data.train), ("valid", data.valid)), model, generator)


def deliver_model(parts: Parts, folder: Path) -> None:
    """What others read: `model/` and, of an adapter, `adapter/`, both as transformers and peft
    save them; and the reference's log-probabilities where they were computed."""
    model = parts.encoder.model
    with without_progress():
        if hasattr(model, "merge_and_unload"):
            model.save_pretrained(folder / "adapter")
            model = copy.deepcopy(model).merge_and_unload()
        model.save_pretrained(folder / "model")
    parts.data.tokenizer.save_pretrained(folder / "model")
    if parts.sampler.reference is not None:
        parts.sampler.reference.save(folder / NAME)
