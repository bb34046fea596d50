"""The states that predict the tokens of the responses, with the prompt encoded once or K times.

    once:   [prompt] ─► keys and values ─┬─► [response 1]          tokens: P + K C
                                         └─► [response K]
    again:  [prompt | response 1] ... [prompt | response K]        tokens: K (P + C)

The two are equal. Once is valid where every layer attends to everything before it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from contrast_alignment.batch import Batch, no_longer


def predicting_states(model: Any, batch: Batch, *, shared: bool) -> Tensor:
    """State t of response k is the one that predicts its token t.  (B K, C, D)."""
    prompt_seen = no_longer(batch.prompt.shape[1], batch.prompt_length)  # (B, P)
    return (_once if shared else _again)(model.get_decoder(), batch, prompt_seen)


def shares_prefix(config: Any) -> bool:
    """Whether all layers of a model attend to everything before: no window, no recurrent state."""
    layers = getattr(config, "layer_types", None) or ["full_attention"]
    window = getattr(config, "sliding_window", None)
    recurrent = hasattr(config, "state_size") or hasattr(config, "ssm_cfg")
    return set(layers) == {"full_attention"} and not window and not recurrent


def worth_sharing(batch: Batch) -> bool:
    """Whether the prompt is long enough, or stands for enough responses, to be encoded apart."""
    alternatives, width = batch.responses.shape[1:]
    return alternatives > 2 or (alternatives == 2 and batch.prompt.shape[1] >= width)


def _once(decoder: Any, batch: Batch, prompt_seen: Tensor) -> Tensor:
    k, width = batch.responses.shape[1:]
    places = torch.arange(batch.prompt.shape[1], device=batch.prompt.device).expand_as(batch.prompt)
    prompts, responses = _embedded(decoder, batch.prompt, batch.responses.flatten(0, 1)[:, :-1])
    before = decoder(
        inputs_embeds=prompts,
        attention_mask=None if batch.dense else prompt_seen,
        position_ids=places,
        use_cache=True,
    )
    last = _at(before.last_hidden_state, batch.prompt_length - 1).repeat_interleave(k, 0)
    if width < 2:
        return last[:, :width]
    cache = before.past_key_values
    cache.batch_repeat_interleave(k)
    start = batch.prompt_length.repeat_interleave(k)[:, None]  # (B K, 1)
    seen = torch.cat([prompt_seen.repeat_interleave(k, 0), batch.exists.flatten(0, 1)[:, :-1]], 1)
    after = decoder(
        inputs_embeds=responses,
        attention_mask=None if batch.dense else seen,
        position_ids=start + torch.arange(width - 1, device=start.device),
        past_key_values=cache,
        use_cache=True,
    )
    return torch.cat([last, after.last_hidden_state], 1)


def _again(decoder: Any, batch: Batch, prompt_seen: Tensor) -> Tensor:
    k, width = batch.responses.shape[1:]
    prompts = batch.prompt.repeat_interleave(k, 0)
    exists = batch.exists.flatten(0, 1)
    seen = torch.cat([prompt_seen.repeat_interleave(k, 0), exists], 1)[:, :-1]
    states = decoder(
        input_ids=torch.cat([prompts, batch.responses.flatten(0, 1)], 1)[:, :-1],
        attention_mask=None if batch.dense else seen,
        position_ids=(seen.long().cumsum(1) - 1).clamp_min(0),
        use_cache=False,
    ).last_hidden_state
    last = _at(states, batch.prompt_length.repeat_interleave(k) - 1)
    return torch.cat([last, states[:, prompts.shape[1] :]], 1)[:, :width]


def _embedded(decoder: Any, *tokens: Tensor) -> list[Tensor]:
    """Embeddings (R, T, D) each, looked up together: one gradient of the table's size."""
    found = decoder.get_input_embeddings()(torch.cat([each.flatten() for each in tokens]))
    parts = found.split([each.numel() for each in tokens])
    return [part.view(*each.shape, -1) for part, each in zip(parts, tokens, strict=True)]


def _at(states: Tensor, places: Tensor) -> Tensor:
    """The state at one place of each row.  (R, 1, D)."""
    return states.gather(1, places[:, None, None].expand(-1, 1, states.shape[-1]))
