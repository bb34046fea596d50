"""The reference's log-probabilities, computed once: training then holds one model, not two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.engine.work import autocast
from contrast.recipe import RunConfig
from contrast_alignment.batch import stacked
from contrast_alignment.policy import Policy
from contrast_alignment.reference import Cached
from contrast_alignment.sampler import ListSampler
from contrast_alignment.task import Task

WINDOW = ("max_tokens", "max_prompt_tokens", "prompt_side")


def cached_reference(
    encoder: Policy, sampler: ListSampler, task: Task, config: RunConfig, stage: str
) -> Cached:
    """The log-probabilities under the model as it is now: from the user's file, or computed.

    Where `encoder.reference_cache` names a file that is not there, it is written.
    Raises: DataError: the file is of something else, or cannot be read or written.
    """
    path = Path(config.encoder.reference_cache)
    trainer = config.trainers[stage]
    key = key_of(encoder, task, config.data, trainer.precision)
    if config.encoder.reference_cache and path.exists():
        return Cached.load(path, key)
    values = {part: scored(encoder, sampler, part, trainer) for part in ("train", "valid")}
    found = Cached(key, values)
    if config.encoder.reference_cache:
        found.save(path)
    return found


@torch.no_grad()
def scored(encoder: Policy, sampler: ListSampler, part: str, trainer: Any) -> Tensor:
    """log pi of every response of a part, as a step would compute it.  (N, K)."""
    first = next(encoder.parameters())
    rows = []
    for batch in sampler.sweep(part):
        placed = move(batch, first.device, first.dtype)
        with autocast(trainer, encoder):
            rows.append(encoder.sums(encoder.score(placed), placed).cpu())
    return stacked(rows)


def key_of(encoder: Policy, task: Task, data: Any, precision: str) -> dict[str, str]:
    """What the log-probabilities depend on, each as a checksum or in words."""
    tokenizer = task.tokenizer
    template = str(getattr(tokenizer, "chat_template", None))
    window = {name: getattr(data, name, None) for name in WINDOW}
    return {
        "model": _digest(_weights(encoder.model)),
        "tokenizer": _digest((tokenizer.backend_tokenizer.to_str().encode(), template.encode())),
        "data": _digest(
            repr([(i.prompt, i.responses, i.scored_from) for i in part]).encode()
            for part in (task.train, task.valid)
        ),
        "truncation": json.dumps(window),
        "precision": precision,
    }


def _weights(model: torch.nn.Module) -> Iterator[bytes]:
    for name, value in sorted(model.state_dict().items()):
        flat = value.detach().cpu().contiguous().reshape(-1)
        yield f"{name} {value.dtype} {tuple(value.shape)}".encode()
        yield flat.view(torch.uint8).numpy().tobytes()


def _digest(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(hashlib.sha256(piece).digest())
    return found.hexdigest()
