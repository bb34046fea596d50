"""The encoder: a decoder of transformers that gives one number for a whole conversation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from contrast.errors import ConfigError
from contrast_alignment.batch import stacked
from contrast_alignment.form import Rated
from contrast_alignment.models import loaded
from contrast_alignment.objectives.compared import best
from contrast_alignment.reward_sampler import Conversations


class RewardModel(nn.Module):
    """r(x, y) = w' h(x, y), h the state of the last token that is not padding; gives `Rated`.

    Padding stands on the right of causal attention, which does not see it: no mask is needed, and
    the reward is that of `AutoModelForSequenceClassification` on the same tokens.
    `twice` reads every conversation once more under another dropout, for a contrast of states.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model, self.twice = model, False

    def forward(self, batch: Conversations) -> Rated:
        """Rewards (B, K) and states (B, K, D)."""
        states = self.states(batch)
        return Rated(
            scores=self.model.score(states).squeeze(2),
            targets=batch.grades,
            mask=batch.exists,
            ids=batch.rows,
            strength=batch.strength,
            states=states,
            again=self.states(batch) if self.twice else None,
        )

    def states(self, batch: Conversations) -> Tensor:
        """The state of the last token of every conversation.  (B, K, D)."""
        rows = batch.tokens.flatten(0, 1)
        all_of_it = torch.ones_like(rows)
        read = self.model.base_model(rows, attention_mask=all_of_it, use_cache=False)[0]
        places = torch.arange(rows.shape[1], device=rows.device)
        last = ((rows != self.model.config.pad_token_id) * places).argmax(1)
        return read[torch.arange(len(rows), device=rows.device), last].unflatten(
            0, batch.exists.shape
        )

    def embed(self, batch: Conversations) -> dict[str, Tensor]:
        """The state of each prompt's best response, z (B, D)."""
        form = self(batch)
        chosen = best(form.judged())[:, :, None].expand(-1, -1, form.states.shape[2])
        return {"z": form.states.gather(1, chosen)[:, 0]}


def tiny(
    *,
    tokens: int,
    positions: int,
    vocabulary: int,
    width: int,
    layers: int,
    heads: int,
    dropout: float,
) -> RewardModel:
    """An untrained GPT-2 with a head of one number.

    Nothing is dropped in attention, and units are rectified: both halve a step on a CPU.
    """
    from transformers import GPT2Config, GPT2ForSequenceClassification

    config = GPT2Config(
        vocab_size=tokens,
        n_positions=positions,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        activation_function="relu",
        resid_pdrop=dropout,
        embd_pdrop=dropout,
        attn_pdrop=0.0,
        num_labels=1,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    return RewardModel(GPT2ForSequenceClassification(config))


def pretrained(*, tokens: int, positions: int, model: str, revision: str) -> RewardModel:
    """A decoder of transformers in float32, with a new head where it has none of one number.

    Raises: ConfigError: it reads fewer tokens than `data.max_tokens`, or is no decoder; and see
    `contrast_alignment.models`.
    """
    from transformers import AutoModelForSequenceClassification

    found = loaded(
        AutoModelForSequenceClassification.from_pretrained,
        model,
        revision,
        use_safetensors=True,
        dtype=torch.float32,
        num_labels=1,
        ignore_mismatched_sizes=True,
    )
    if not isinstance(getattr(found, "score", None), nn.Linear):
        raise ConfigError(
            f"`encoder.model={model}` is a {type(found).__name__}: expected a decoder whose "
            "`score` reads the state of the last token, such as Llama, Qwen, Gemma or GPT-2"
        )
    limit = getattr(found.config, "max_position_embeddings", None)
    if limit and limit < positions:
        raise ConfigError(
            f"the model reads {limit} tokens, and a conversation may have {positions}: "
            "lower `data.max_tokens`"
        )
    return RewardModel(found)


class Voters(nn.Module):
    """Several reward models, each with records of its own."""

    def __init__(self, voters: list[RewardModel]) -> None:
        super().__init__()
        self.voters = nn.ModuleList(voters)

    def forward(self, batch: Any) -> Rated:
        """The rewards of every voter's own records, one after the other."""
        forms = [voter(part) for voter, part in zip(self.voters, batch.parts, strict=True)]
        return Rated(
            scores=stacked([form.scores for form in forms]),
            targets=stacked([form.targets for form in forms]),
            mask=stacked([form.mask for form in forms]),
            ids=torch.cat([form.ids for form in forms]),
        )

    def embed(self, batch: Conversations) -> dict[str, Tensor]:
        """The rewards that each voter gives to the best response, z (B, voters)."""
        forms = [voter(batch).judged() for voter in self.voters]
        return {"z": torch.cat([form.scores.gather(1, best(form)) for form in forms], 1)}
