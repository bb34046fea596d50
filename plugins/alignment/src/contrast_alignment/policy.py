"""The encoder: a causal language model of transformers, and the frozen one it is compared with."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from contrast.primitives.token_logprobs import TokenScores, token_logprobs
from contrast_alignment.batch import Batch, no_longer
from contrast_alignment.form import Responses
from contrast_alignment.hidden import predicting_states, shares_prefix, worth_sharing

Reference = Literal["copy", "adapter_off", "cache", "none"]
Share = Literal["auto", "on", "off"]


class Policy(nn.Module):
    """Scores responses by their summed log-probability; gives `Responses`.

    No (rows, positions, vocabulary) tensor is formed, and only response tokens are scored.
    Dropout is off, so that the policy equals its reference until the first update.
    """

    def __init__(
        self, model: Any, *, shared_prefix: Share = "auto", checkpointing: bool = False
    ) -> None:
        super().__init__()
        self.model = without_dropout(model)
        self.reference: nn.Module | None = None
        self.adapter_off = False
        self.shared_prefix = shared_prefix
        self.shareable = shares_prefix(model.config) and not checkpointing

    def keep_reference(self, kind: Reference) -> None:
        """Remember the present weights as those of the reference: frozen, or without adapter.

        Of `cache` and `none` no model is kept.
        """
        self.adapter_off = kind == "adapter_off"
        self.reference = None
        if kind == "copy":
            self.reference = trained_apart(self.model).requires_grad_(False)

    def forward(self, batch: Batch) -> Responses:
        """The responses' log-probabilities under both models.  Scores (B, K)."""
        return Responses(
            scores=self.sums(self.score(batch), batch),
            targets=batch.grades,
            mask=batch.scored.any(2),
            reference=self.reference_sums(batch),
            lengths=batch.scored.sum(2),
            ids=batch.rows,
            mismatched=self._mismatched(batch),
        )

    def score(self, batch: Batch, *, reference: bool = False, entropy: bool = False) -> TokenScores:
        """Log-probability, and if asked entropy, of every scored token.  (B K, C)."""
        model, off = self.model, nullcontext()
        if reference:
            model = self.model if self.reference is None else self.reference
            off = self.model.disable_adapter() if self.adapter_off else off
        with off:
            states = predicting_states(model, batch, shared=self._shares(batch))
            head = model.get_output_embeddings()
            return token_logprobs(
                states,
                head.weight,
                batch.responses.flatten(0, 1),
                batch.scored.flatten(0, 1),
                bias=head.bias,
                entropy=entropy,
                **head_settings(model.config),
            )

    def has_reference(self) -> bool:
        """Whether the reference can score any response, not only those whose score is cached."""
        return self.reference is not None or self.adapter_off

    def reference_sums(self, batch: Batch) -> Tensor | None:
        """log ref of the responses, from the cache or from the frozen model.  (B, K)."""
        if batch.reference is not None or not self.has_reference():
            return batch.reference
        with torch.no_grad():
            return self.sums(self.score(batch, reference=True), batch)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The mean last state over each prompt, z (B, D)."""
        seen = no_longer(batch.prompt.shape[1], batch.prompt_length)
        decoder = self.model.get_decoder()
        states = decoder(input_ids=batch.prompt, attention_mask=seen).last_hidden_state
        total = states.masked_fill(~seen[:, :, None], 0).sum(1)
        return {"z": total / batch.prompt_length[:, None]}

    @staticmethod
    def sums(scores: TokenScores, batch: Batch) -> Tensor:
        """Sums over the tokens of each response, in float32 at least.  (B, K)."""
        return scores.log_probs.sum(1).view(batch.responses.shape[:2])

    def _mismatched(self, batch: Batch) -> Tensor | None:
        """log pi - log ref of every response under another prompt, without gradient.  (B, K)."""
        if batch.other is None:
            return None
        moved = replace(
            batch,
            prompt=batch.other,
            prompt_length=batch.other_length,
            reference=None,
            dense=False,
        )
        with torch.no_grad():
            reference = self.reference_sums(moved)
            return None if reference is None else self.sums(self.score(moved), moved) - reference

    def _shares(self, batch: Batch) -> bool:
        if self.shared_prefix == "auto":
            return self.shareable and worth_sharing(batch)
        return self.shareable and self.shared_prefix == "on"


def trained_apart(module: Any) -> Any:
    """A copy that is trained by itself; weights that nobody trains, as under an adapter, are
    shared with it."""
    frozen = {id(each): each for each in module.parameters() if not each.requires_grad}
    return copy.deepcopy(module, frozen)


def head_settings(config: Any) -> dict[str, float]:
    """How a model changes its logits, in the words of `token_logprobs`."""
    scale = getattr(config, "logit_scale", None) or 1.0
    divisor = getattr(config, "logits_scaling", None) or 1.0
    return {
        "scale": scale / divisor,
        "softcap": getattr(config, "final_logit_softcapping", None) or 0.0,
    }


def without_dropout(model: Any) -> Any:
    """The model with every probability of dropout set to 0."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name in ("attention_dropout", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model
