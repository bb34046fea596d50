"""Rank-N-Contrast: what is nearer in target shall be nearer in space (arXiv:2210.01189)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced
from contrast.objectives.several_views import check_views
from contrast.primitives.scores import wide
from contrast.primitives.sharing import joined, own_rows

BLOCK_ENTRIES = 2**20  # anchors are taken in blocks of so many pairs


class RankNContrast(nn.Module):
    """Rank-N-Contrast as the objective of a recipe, on a `Views` form with targets."""

    def __init__(self, temperature: float = 2.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        if form.targets is None:
            raise ValueError("rank_n_contrast needs targets, the form has none")
        return rank_n_contrast(form.z, form.targets, temperature=self.temperature)


def rank_n_contrast(
    z: Tensor, targets: Tensor, *, temperature: float = 2.0, reduction: Reduction = "mean"
) -> Tensor:
    """Each other row in turn as the positive, against all that are no nearer in target.

    L_r = -1/(R-1) sum_{p != r} log ( exp(s_rp / t) / sum_{k in S_rp} exp(s_rk / t) ),
    S_rp = {k != r: |y_r - y_k| >= |y_r - y_p|},  s_rk = -|z_r - z_k|   (arXiv:2210.01189, eq. 2)

    over the R = V N rows of all views, which share their sample's target; of several targets the
    distances are added (L1). Sorted by target distance the sums are cumulative: no triples.

    Shapes:  z: (V, N, D) float, compared as they are (not normalised);  targets: (N,) or (N, K)
    float;  returns () or (V, N) if reduction="none"; at least float32.
    Gradient: flows to all views, 0 between equal rows.     Cost: O(R^2 (D + log R)) time, in blocks
    of rows formed again in the backward pass: O(R D) memory and blocks of 2^20 pairs.
    Edge cases: equal targets rank nothing, each row competes with all. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, a single row, or temperature <= 0.
    """
    views, n = check_views(z, views=1)
    if targets.ndim not in (1, 2) or len(targets) != n:
        raise ValueError(f"targets must be ({n},) or ({n}, K), got {tuple(targets.shape)}")
    if views * n < 2:
        raise ValueError(f"one row has nothing to be ranked, got z of shape {tuple(z.shape)}")
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    x = wide(z).flatten(0, 1)
    y = targets.reshape(n, -1).repeat(views, 1).to(x.dtype)
    own = own_rows(len(x))
    rows = torch.arange(len(x), device=x.device)[own or slice(None)]
    blocks = rows.split(max(1, BLOCK_ENTRIES // len(x)))
    losses = [
        checkpoint(
            ranked_losses, x, y, block, temperature, use_reentrant=False, preserve_rng_state=False
        )
        for block in blocks
    ]
    each = torch.cat(losses) if own is None else joined(torch.cat(losses), own, len(x))
    return reduced(each.view(views, n), reduction)


def ranked_losses(x: Tensor, y: Tensor, rows: Tensor, temperature: float) -> Tensor:
    """L_r of some rows as anchors, formed at once; leading axes are problems of their own.

    Shapes:  x: (..., R, D);  y: (..., R, K);  rows: (n,) numbers;  returns (..., n).
    """
    # The products of a fast distance would cancel between near rows.
    mode = "donot_use_mm_for_euclid_dist"
    logits = -torch.cdist(x[..., rows, :], x, compute_mode=mode) / temperature
    gaps = torch.cdist(y[..., rows, :], y, p=1)
    itself = rows[:, None].expand(*gaps.shape[:-1], 1)
    gaps, order = gaps.scatter_(-1, itself, -1).sort(descending=True)  # the anchor itself: last
    gaps, logits = gaps[..., :-1], logits.gather(-1, order[..., :-1])
    # Ties compete with one another: each sum runs to the last of its equals.
    last = torch.searchsorted(-gaps, -gaps, right=True) - 1
    sums = logits.logcumsumexp(-1).gather(-1, last)
    return (sums - logits).mean(-1)
