"""The pair statistics from all pairs at once, by autograd: small problems, second derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.primitives.scores import mirrored
from contrast.primitives.weights import Weights

# Up to this many pairs they are all held at once. On one CPU thread at D = 128 tiles take 1.1 times
# as long as all pairs at N = 384 and 0.95 times at N = 512 (one-way InfoNCE, forward and backward).
SMALL = 384 * 384

Statistics = tuple[Tensor, Tensor | None, Tensor | None]


@dataclass(frozen=True)
class Plan:
    """What is wanted of the pairs beside the row sums: e, c, and gradients to come.

    Rows against themselves may meet themselves `mirrored`, as in a distance.
    """

    weights: Weights
    scale: float = 1.0
    moment: bool = False
    columns: bool = False
    grad: bool = True
    mirror: bool = False

    @property
    def peaked(self) -> bool:
        """Whether no score is above 0, which each row has with itself."""
        return self.mirror and not self.weights

    def partners(self, a: Tensor, k: Tensor | None) -> Tensor:
        """What the rows a are compared with: k, or themselves."""
        if k is not None:
            return k
        return mirrored(a) if self.mirror else a


def plain(a: Tensor, k: Tensor | None, plan: Plan) -> Statistics:
    """l, e and c of x = scale a k^T by the plain formula, O(N M) memory; k = None stands for a."""
    scores = a @ plan.partners(a, k).T
    scores = scores if plan.scale == 1 else scores * plan.scale
    x = plan.weights.add_to(scores.clone() if plan.moment else scores)
    lse = _logsumexp(x, 1, plan.weights)
    moment = None
    if plan.moment:
        p = (x - lse.masked_fill(lse == -torch.inf, 0)[:, None]).exp()
        moment = (p * scores).sum(1)
    return lse, moment, _logsumexp(x, 0, plan.weights) if plan.columns else None


def _logsumexp(x: Tensor, dim: int, weights: Weights) -> Tensor:
    """The log-sum-exp, whose gradient is 0 instead of NaN where all entries are -inf."""
    holes = sum(len(hole.offsets) for hole in weights.holes)
    if not (weights.factors or weights.logs) and x.shape[dim] > holes:
        return x.logsumexp(dim)  # no row is empty
    empty = (x == -torch.inf).all(dim)
    return x.masked_fill(empty.unsqueeze(dim), 0).logsumexp(dim).masked_fill(empty, -torch.inf)


def graph_gradients(
    outputs: Sequence[Tensor | None],
    inputs: Sequence[Tensor | None],
    upstream: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """The gradients of the outputs with a graph of their own; None for what needs none."""
    asked = [(y, g) for y, g in zip(outputs, upstream, strict=True) if g is not None]
    wanted = [t for t in inputs if t is not None and t.requires_grad]
    found = iter(
        torch.autograd.grad(
            [y for y, _ in asked],
            wanted,
            [g for _, g in asked],
            create_graph=True,
            allow_unused=True,
        )
    )
    return [next(found) if t is not None and t.requires_grad else None for t in inputs]
