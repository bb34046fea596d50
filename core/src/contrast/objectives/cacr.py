"""CACR: contrastive attraction and contrastive repulsion (arXiv:2105.03746).

Positives that lie far are pulled more, negatives that lie near are pushed more: each group has a
softmax over distances of its own. The versions with momentum targets are in `cacr_momentum`.
"""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from contrast.errors import BatchError
from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced, unit
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.structure import OffDiagonal


class CACR(nn.Module):
    """CACR as the objective of a recipe: `cacr` on the views of a `Views` form."""

    def __init__(
        self,
        t_pos: float = 1.0,
        t_neg: float = 0.9,
        alpha: float = 1.0,
        beta: float = 1.0,
        tau_plus: float = 0.0,
        detach_weights: bool = False,
    ) -> None:
        super().__init__()
        self.options = {"t_pos": t_pos, "t_neg": t_neg, "alpha": alpha, "beta": beta}
        self.options |= {"tau_plus": tau_plus, "detach_weights": detach_weights}

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        return cacr(form.z, **self.options)


def cacr(
    z: Tensor,
    *,
    t_pos: float = 1.0,
    t_neg: float = 0.9,
    alpha: float = 1.0,
    beta: float = 1.0,
    tau_plus: float = 0.0,
    detach_weights: bool = False,
    normalize: bool = True,
    reduction: Reduction = "mean",
) -> Tensor:
    """Pull of each sample's views by how far they are, push of other samples by how near.

    L_i = alpha mean_v sum_u w+_uv d(z_vi, z_ui) + mean_{a<b} R_abi,    w+ = softmax_u(t_pos d)
    R_abi = (-tau_plus d(z_ai, z_bi) - beta sum_{j!=i} w-_j d(z_ai, z_bj)) / (1 - tau_plus),
    w- = softmax_{j!=i}(-t_neg d),    d(x, y) = |x - y|^2 of unit rows

    With t_pos = 0 or t_neg = 0 the weights of that group are uniform (the paper's ablations without
    w1, w2); tau_plus > 0 is the debiased loss. The push goes from view a to b > a, not back.

    Shapes:  z: (V, N, D) float, any scale (normalised inside, unless told not to);
    returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to all views, and through the weights too unless detached.
    Cost: O(V^2 N^2 D) time, O(V^2 N D) memory.
    Edge cases: with V = 2 the one positive has weight 1. Equal rows are at distance 0, without NaN.
    Raises: ValueError: fewer than two views, or one sample, which has no negative.
    """
    if z.ndim != 3 or len(z) < 2 or z.shape[1] == 1:
        raise BatchError(f"z must hold 2 views or more of 2 samples or more, got {tuple(z.shape)}")
    if not (t_pos >= 0 and t_neg >= 0 and 0 <= tau_plus < 1):
        raise ValueError(
            "t_pos and t_neg must be >= 0 and tau_plus in [0, 1), got "
            f"{t_pos}, {t_neg} and {tau_plus}"
        )
    z = unit(z) if normalize else wide(z)
    pull = alpha * _attraction(z, t_pos, detach_weights)
    push = [
        tau_plus * (a - b).square().sum(1) + beta * _near_distance(a, b, t_neg, detach_weights)
        for a, b in combinations(z, 2)
    ]
    return reduced(pull - torch.stack(push).mean(0) / (1 - tau_plus), reduction)


def _attraction(z: Tensor, t_pos: float, detach_weights: bool) -> Tensor:
    """mean_v sum_u w+ d between the views of each sample, (N,)."""
    views = len(z)
    distance = (z[:, None] - z).square().sum(3)  # (V, V, N)
    others = ~torch.eye(views, dtype=torch.bool, device=z.device)
    distance = distance[others].view(views, views - 1, -1)
    weight = (t_pos * distance).softmax(1)
    if detach_weights:
        weight = weight.detach()
    return (weight * distance).sum(1).mean(0)


def _near_distance(a: Tensor, b: Tensor, t_neg: float, detach_weights: bool) -> Tensor:
    """sum_{j != i} w- d(a_i, b_j) for each anchor, (N,)."""
    if t_neg == 0:
        others = len(b) - 1
        squares = b.square().sum(1)
        rest = (squares.sum() - squares) - 2 * (a * (b.sum(0) - b)).sum(1)
        return a.square().sum(1) + rest / others
    near = row_lse(
        a, b, temperature=1 / t_neg, score="distance", weights=(OffDiagonal(),), moment=True
    )
    if detach_weights:  # the gradient of l / t_neg is that of the moment under fixed weights
        return (near.lse.detach() - near.lse) / t_neg - near.moment.detach()
    return -near.moment
