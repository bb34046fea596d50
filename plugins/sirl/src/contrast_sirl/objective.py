"""What an answer says of embeddings: the two that are alike are nearer than the odd one out.

Similarity-based Implicit Representation Learning, arXiv:2301.00810 (HRI 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from contrast.objectives.bradley_terry import bradley_terry
from contrast.objectives.rows import Reduction
from contrast.objectives.triplet import distances, triplet
from contrast.primitives.scores import wide
from contrast_sirl.form import Triples


class Similarity(nn.Module):
    """The triplet loss of the paper on `Triples`.

    L = L_trip(P1, P2, N) + L_trip(P2, P1, N),  L_trip(a, p, n) = mean max(0, d(a,p) - d(a,n) + m)

    Without `symmetric` the first term alone. `l2_weight` adds the mean square of all embeddings.
    """

    def __init__(
        self,
        margin: float = 1.0,
        squared: bool = False,
        symmetric: bool = True,
        l2_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.margin, self.squared, self.symmetric = margin, squared, symmetric
        self.l2_weight = l2_weight

    def forward(self, form: Triples) -> Tensor:
        """The loss, a scalar."""
        loss = triplet(
            *form.z,
            margin=self.margin,
            distance="squared" if self.squared else "euclidean",
            symmetric=self.symmetric,
        )
        return loss + self.l2_weight * wide(form.z).square().mean() if self.l2_weight else loss


class Choice(nn.Module):
    """`choice_cross_entropy` as the objective of a recipe."""

    def forward(self, form: Triples) -> Tensor:
        """The loss, a scalar."""
        return choice_cross_entropy(form.z)


def choice_cross_entropy(z: Tensor) -> Tensor:
    """How surprising it is, by squared distances, that P1 and P2 were called alike.

    L = mean -log softmax(-d(P1,P2)^2, -d(P1,N)^2, -d(P2,N)^2)[0]

    Shapes:  z: (3, B, D) float, any scale;  returns () of at least float32.
    Gradient: flows to all three, everywhere.     Cost: O(B D).     Edge cases: B = 0 gives 0.
    Differs: ours; the paper has the margin alone. It needs none, and no choice of anchor.
    """
    logits = choice_logits(z)
    if not len(logits):
        return logits.sum()
    return cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=z.device))


def choice_logits(z: Tensor) -> Tensor:
    """-d^2 of the pairs 01, 02, 12 of each question, (..., 3), for z (3, ..., D)."""
    a, b, c = wide(z)
    pairs = ((a, b), (a, c), (b, c))
    return -torch.stack([(x - y).square().sum(-1) for x, y in pairs], dim=-1)


def preference_loss(
    z_first: Tensor,
    z_second: Tensor,
    theta: Tensor,
    second_preferred: Tensor,
    *,
    reward_l2: float = 0.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Bradley-Terry of a linear reward r(z) = theta^T z on answered pairs.

    L = mean [(1 - y) softplus(-(r1 - r2)) + y softplus(r1 - r2) + reward_l2 (r1^2 + r2^2)]

    Shapes:  z_first, z_second: (M, D);  theta: (D,);  second_preferred: (M,) with y = 0 where the
    first is preferred, 1 the second, 0.5 neither;  returns () or (M,) if reduction="none".
    Differs: the log-likelihood; the code of the authors' lineage adds up the probabilities.
    """
    scores = torch.stack([z_first @ theta, z_second @ theta], dim=1)
    targets = torch.stack([1 - second_preferred, second_preferred], dim=1)
    return bradley_terry(scores, targets=targets, reward_l2=reward_l2, reduction=reduction)


def answered_right(z: Tensor) -> Tensor:
    """Whether P1 and P2 are the nearest pair of the three, (B,) bool, for z (3, B, D)."""
    near = distances(z[0], z[1], "euclidean")
    return (near < distances(z[0], z[2], "euclidean")) & (near < distances(z[1], z[2], "euclidean"))
