"""Simulated people: which two of three are alike, and which of two is better, by true features.

A person's notion of likeness depends only on the features that they care about; a reward weighs
them (arXiv:2301.00810). Costs are what theta weighs: `reward = -theta^T features`.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Generator, Tensor

Rule = Literal["closest_pair", "anchor"]
PAIRS = torch.tensor([[0, 1, 2], [0, 2, 1], [1, 2, 0]])  # P1, P2, N if the pair 01, 02, 12 is alike


def alike(
    features: Tensor,
    *,
    rule: Rule = "closest_pair",
    rationality: float | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """Which two of three are alike, and which is the odd one out: positions (P1, P2, N).

    `closest_pair`: the pair with the strictly smallest squared distance; on a tie, and always by
    the rule `anchor`, the first with the nearer of the other two. With a `rationality` beta the
    pair is drawn with probability proportional to exp(-beta d^2) instead; the rule `anchor` draws
    among the first's two pairs alone.

    Shapes:  features: (Q, 3, q);  returns (Q, 3) integer, a permutation of 0, 1, 2 a row.
    Edge cases: all equal: the first and the third are alike (`anchor`, as d01 < d02 is false).
    """
    squared = pair_distances(features)
    anchored = (squared[:, 0] >= squared[:, 1]).long()
    allowed = 2 if rule == "anchor" else 3
    if rationality is not None:
        chances = (-rationality * squared[:, :allowed]).softmax(1)
        pair = (
            torch.multinomial(chances, 1, generator=generator)[:, 0] if len(chances) else anchored
        )
    elif rule == "anchor":
        pair = anchored
    else:
        least = squared.min(1)
        strict = (squared == least.values[:, None]).sum(1) == 1
        pair = torch.where(strict, least.indices, anchored)
    return PAIRS.to(features.device)[pair]


def pair_distances(features: Tensor) -> Tensor:
    """Squared distances of the pairs 01, 02, 12, (Q, 3)."""
    a, b, c = features.unbind(1)
    return torch.stack([(x - y).square().sum(1) for x, y in ((a, b), (a, c), (b, c))], dim=1)


def reward(features: Tensor, theta: Tensor) -> Tensor:
    """-theta^T features: (..., N) rewards of (N, q) features under (..., q) costs."""
    return -(theta @ features.mT)


def prefers_second(
    first: Tensor, second: Tensor, *, rationality: float | None, generator: Generator | None = None
) -> Tensor:
    """Whether the second of two rewards is preferred: 1, 0, or 0.5 for equal ones.

    P(first) = sigmoid(beta (r1 - r2)) with a `rationality` beta; without, the larger one for sure.

    Shapes:  first, second: any, the same;  returns the same, float.
    """
    if rationality is None:
        return ((second - first).sign() + 1) / 2
    chance = torch.sigmoid(rationality * (second - first))
    return torch.bernoulli(chance, generator=generator)


def draw_people(count: int, features: int, generator: Generator) -> Tensor:
    """Costs of simulated people, uniform in [-1, 1]: (count, features)."""
    return 2 * torch.rand(count, features, generator=generator) - 1
