"""The parts of both stages, built; and the model written out for transformers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from contrast.interfaces import Moment, Parts
from contrast.recipe import RunConfig, Stage
from contrast_alignment.models import tokenizer_for
from contrast_alignment.sampler import Crops, CropSampler, ListSampler
from contrast_alignment.task import Task, asked, tokens_of
from contrast_alignment.texts import Texts


def fine_tuning_parts(stage: Stage, config: RunConfig, at: Moment) -> Parts:
    """Texts or records as tokens, and the model as it comes."""
    source = config.build("data", generator=at.shared("data"))
    tokenizer = tokenizer_for(
        config.encoder, source.train if isinstance(source, Texts) else source.texts()
    )
    sizes = {"tokens": len(tokenizer)}
    size = config.sampler.batch_size
    if isinstance(source, Texts):
        train, valid = (tokens_of(tokenizer, part) for part in (source.train, source.valid))
        piece = min(config.sampler.piece, len(train), max(len(valid), 2))
        sampler: Any = CropSampler(Crops(train, valid, piece), batch_size=size)
        data: Any = (source, tokenizer)
    else:
        data = source.tokenized(tokenizer)
        good = [[item.best() for item in part] for part in (data.train, data.valid)]
        sampler = ListSampler(*good, batch_size=size)
    encoder, _ = stage.build_modules(config, sizes)
    return Parts(data, sampler, encoder, None, sizes)


def alignment_parts(
    stage: Stage, config: RunConfig, earlier: dict[str, Parts], at: Moment
) -> Parts:
    """The tuned model beside its reference, and what it is aligned to."""
    before = earlier["sft"]
    encoder = copy.deepcopy(before.encoder)
    task = before.data
    if not isinstance(task, Task):
        texts, tokenizer = task
        task = asked(texts, tokenizer, encoder.model, at.shared("responses"))
    sampler = ListSampler(
        task.train,
        task.valid,
        batch_size=config.sampler.batch_size,
        mismatched="mismatched" in config.chosen["objective"].needs,
    )
    encoder.keep_reference(config.encoder.reference_model)
    return Parts(
        task, sampler, encoder, config.build_sized("objective", before.sizes), before.sizes
    )


def save_model(parts: Parts, folder: Path) -> None:
    """Model and tokenizer as transformers saves them; an adapter is merged into its model."""
    model = parts.encoder.model
    if hasattr(model, "merge_and_unload"):
        model = copy.deepcopy(model).merge_and_unload()
    model.save_pretrained(folder)
    parts.data.tokenizer.save_pretrained(folder)
