"""PRO, the preference orchestrator: which objective matters how much for a prompt (2511.10656).

Several rewards grade the preferred response to each training prompt; where one of them is unusually
high, the prompt is taken to ask for it. A small model of the prompt learns these weights and gives
them for new prompts, in place of weights set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide


@dataclass(frozen=True)
class Scale:
    """Where the rewards of each objective lie over the training prompts.

    Shapes:  mean, deviation: (K,).
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, rewards: Tensor) -> Scale:
        """Mean and population deviation of each column.  (N, K) to (K,) each."""
        return cls(rewards.mean(0), rewards.std(0, correction=0))

    def apply(self, rewards: Tensor) -> Tensor:
        """z-scores, (..., K); 0 for an objective that was constant, which says nothing."""
        constant = self.deviation <= 1e-12 * self.mean.abs().clamp_min(1)
        z = (rewards - self.mean) / self.deviation.masked_fill(constant, 1)
        return z.masked_fill(constant, 0)


def target_weights(rewards: Tensor, scale: Scale, *, temperature: float = 1.0) -> Tensor:
    """w* = softmax(z-scores of the preferred response's rewards / T).

    Shapes:  rewards: (N, K);  returns (N, K), rows that add up to 1; one objective gives 1.
    Raises: ValueError: temperature <= 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    return (scale.apply(wide(rewards)) / temperature).softmax(-1)


def simplex_regression(lists: Lists, *, reduction: Reduction = "mean") -> Tensor:
    """How far the weights of each prompt are from those aimed at.

    L_n = KL(w*_n || w_n) = sum_k w*_nk (log w*_nk - log w_nk),  w = softmax(scores)

    Shapes:  scores: (N, K) logits;  targets: (N, K) weights that add up to 1;  returns () or (N,).
    Gradient: flows to the scores.     Edge cases: a weight of 0 adds nothing; K = 1 gives 0.
    Raises: ValueError: there are no targets, or they are of another shape.
    """
    if lists.targets is None or lists.targets.shape != lists.scores.shape:
        raise ValueError("weights are learnt from targets of the shape of the scores, (N, K)")
    log_w, wanted = wide(lists.scores).log_softmax(1), wide(lists.targets)
    each = torch.special.xlogy(wanted, wanted) - wanted * log_w
    return reduced(each.sum(1), reduction)


def blended(values: Tensor, weights: Tensor) -> Tensor:
    """sum_k w_k(x) v_k: the reward of a response, or the loss of a pair, over all objectives.

    Shapes:  values: (N, ..., K);  weights: (N, K);  returns (N, ...).
    """
    between = weights.reshape(len(weights), *[1] * (values.ndim - 2), -1)
    return (values * between).sum(-1)


def build_regression() -> object:
    """The objective of the recipe."""
    return simplex_regression
