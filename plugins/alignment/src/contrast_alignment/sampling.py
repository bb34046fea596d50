"""Responses drawn from a policy, token by token, with keys and values kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from contrast_alignment.batch import no_longer, pad

CHUNK = 256  # prompts at a time


def sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    *,
    tokens: int,
    temperature: float,
    end: int,
    generator: Generator,
) -> list[tuple[int, ...]]:
    """A response to each prompt: at most so many tokens, the last one `end` where it was drawn.

    At temperature 0 the likeliest token. Randomness comes from the generator, on the CPU.
    Raises: ValueError: an empty prompt.
    """
    if not all(prompts):
        raise ValueError("a prompt needs one token at least")
    found: list[tuple[int, ...]] = []
    for first in range(0, len(prompts), CHUNK):
        part = prompts[first : first + CHUNK]
        found += _sample(model, part, tokens, temperature, end, generator)
    return found


@torch.no_grad()
def _sample(
    model: Any,
    prompts: Sequence[Sequence[int]],
    tokens: int,
    temperature: float,
    end: int,
    generator: Generator,
) -> list[tuple[int, ...]]:
    device = model.get_input_embeddings().weight.device
    rows, lengths = (each.to(device) for each in pad(prompts))
    seen = no_longer(rows.shape[1], lengths)
    places = torch.arange(rows.shape[1], device=device).expand_as(rows)
    out = model(input_ids=rows, attention_mask=seen, position_ids=places, use_cache=True)
    logits = out.logits[torch.arange(len(rows), device=device), lengths - 1]
    drawn: list[Tensor] = []
    open_ = torch.ones(len(rows), dtype=torch.bool, device=device)
    for step in range(tokens):
        token = draw(logits, temperature, generator).masked_fill(~open_, end)
        drawn.append(token)
        open_ = open_ & (token != end)
        if step + 1 == tokens or not bool(open_.any()):
            break
        seen = torch.cat([seen, seen.new_ones(len(rows), 1)], 1)
        out = model(
            input_ids=token[:, None],
            attention_mask=seen,
            position_ids=(lengths + step)[:, None],
            past_key_values=out.past_key_values,
            use_cache=True,
        )
        logits = out.logits[:, -1]
    return [_until(row, end) for row in torch.stack(drawn, 1).tolist()]


def draw(logits: Tensor, temperature: float, generator: Generator) -> Tensor:
    """One token a row.  (R, V) to (R,)."""
    if temperature == 0:
        return logits.argmax(1)
    chances = (logits.double() / temperature).softmax(1).cpu()
    return torch.multinomial(chances, 1, generator=generator)[:, 0].to(logits.device)


def _until(row: list[int], end: int) -> tuple[int, ...]:
    """The tokens up to the first `end`, with it."""
    return tuple(row[: row.index(end) + 1] if end in row else row)
