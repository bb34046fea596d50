"""The encoder: weights of the objectives from the tokens of a prompt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from contrast.forms import Lists
from contrast_alignment.batch import no_longer
from contrast_alignment.models import loaded
from contrast_alignment.orchestrator_data import Prompts


class Orchestrator(nn.Module):
    """w(x) = softmax of a perceptron on the mean vector of a prompt; gives `Lists` of its logits.

    `reader` gives a vector for every token: learnt ones, or the states of a frozen model.
    """

    def __init__(self, reader: nn.Module, width: int, hidden: int, objectives: int) -> None:
        super().__init__()
        self.reader = reader
        self.head = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, objectives)
        )

    def forward(self, batch: Prompts) -> Lists:
        """Logits (B, K)."""
        return Lists(self.head(self.mean(batch)), targets=batch.weights, ids=batch.rows)

    def mean(self, batch: Prompts) -> Tensor:
        """The mean vector of each prompt's tokens.  (B, D)."""
        seen = no_longer(batch.tokens.shape[1], batch.lengths)
        vectors = self.reader(batch.tokens)  # (B, T, D)
        total = vectors.masked_fill(~seen[:, :, None], 0).sum(1)
        return total / batch.lengths[:, None]

    def weights(self, batch: Prompts) -> Tensor:
        """The weights of each prompt, which add up to 1.  (B, K)."""
        return self(batch).scores.softmax(1)

    def embed(self, batch: Prompts) -> dict[str, Tensor]:
        """The weights, w (B, K)."""
        return {"w": self.weights(batch)}


class Frozen(nn.Module):
    """The last states of a causal language model, without gradient."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.requires_grad_(False)

    def train(self, mode: bool = True) -> Frozen:
        """Dropout stays off."""
        return super().train(False)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) integer to (B, T, D); padding on the right is not seen by what stands before."""
        with torch.no_grad():
            found = self.model.base_model(
                tokens, attention_mask=torch.ones_like(tokens), use_cache=False
            )
        return found[0]


def bag(*, tokens: int, objectives: int, vocabulary: int, width: int, hidden: int) -> Orchestrator:
    """Token vectors that are learnt with the rest."""
    return Orchestrator(nn.Embedding(tokens, width), width, hidden, objectives)


def frozen(*, tokens: int, objectives: int, model: str, revision: str, hidden: int) -> Orchestrator:
    """The states of a language model that is not trained.

    Raises: ConfigError, DataError: see `contrast_alignment.models`.
    """
    from transformers import AutoModelForCausalLM

    load = AutoModelForCausalLM.from_pretrained
    found = loaded(load, model, revision, use_safetensors=True, dtype=torch.float32)
    return Orchestrator(Frozen(found), found.config.hidden_size, hidden, objectives)
