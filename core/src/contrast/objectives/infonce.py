"""InfoNCE by the plain formula (arXiv:1807.03748, eq. 4, on cosine similarities)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from contrast.forms import Pairs, Same

Reduction = Literal["mean", "sum", "none"]


class InfoNCE(nn.Module):
    """InfoNCE as the objective of a recipe: `infonce` on a `Pairs` form, averaged over anchors."""

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Pairs) -> Tensor:
        """The loss, a scalar."""
        return infonce(
            form.anchors,
            form.candidates,
            temperature=self.temperature,
            positives=form.positives,
            excluded=form.excluded,
        )


def infonce(
    anchors: Tensor,
    candidates: Tensor,
    *,
    temperature: float,
    positives: Same | None = None,
    excluded: Same | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Cross-entropy of each anchor's positive among all candidates, one way.

    L_i = log sum_j exp(s_ij / t) - mean_{p in P_i} s_ip / t,    s_ij = <a_i, c_j>, unit rows

    P_i is {i} without `positives`, else the candidates related to anchor i (all of which stay in
    the sum). `excluded` pairs leave the sum, and P_i where that is given by `positives`; the
    positive i of anchor i is never excluded, so that sample ids may serve as the relation.

    Shapes:  anchors: (N, D) float, candidates: (M, D), any scale (normalised inside);
    positives, excluded: N x M.  Returns () or (N,) if reduction="none"; at least float32.
    Gradient: flows to both sides.     Cost: O(N M D) time, O(N M) memory.
    Edge cases: one candidate gives 0 (nothing to choose from). An anchor without a positive is
    left out of the mean and is 0 under "none"; without any the loss is 0 with zero gradient.
    Zero rows are similar to nothing (s = 0). NaN in, NaN out.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    _check(anchors, candidates, temperature, positives)
    # Under autocast the product would be rounded to half precision before the exponential.
    with torch.autocast(anchors.device.type, enabled=False):
        logits = _unit(anchors) @ _unit(candidates).T / temperature  # (N, M)
        losses, counts = _row_losses(logits, positives, excluded)
    if reduction == "none":
        return losses
    total = losses.sum()
    return total if reduction == "sum" else total / counts.sum().clamp_min(1)


def _row_losses(
    logits: Tensor, positives: Same | None, excluded: Same | None
) -> tuple[Tensor, Tensor]:
    """The loss of each anchor, and whether it has a positive: (N,) and (N,) bool."""
    n, m = logits.shape
    pos_mask = torch.eye(n, m, dtype=torch.bool, device=logits.device)
    if positives is not None:
        pos_mask = positives.mask()
    if excluded is not None:
        out = excluded.mask()
        if positives is None:
            out = out & ~pos_mask
        pos_mask = pos_mask & ~out
        logits = logits.masked_fill(out, -torch.inf)
    count = pos_mask.sum(1)  # (N,)
    attraction = logits.masked_fill(~pos_mask, 0).sum(1) / count.clamp_min(1)
    # A row without positives may be all -inf, whose logsumexp has no gradient: it is emptied first.
    has = count > 0
    repulsion = logits.masked_fill(~has[:, None], 0).logsumexp(1) if m else attraction
    return (repulsion - attraction).masked_fill(~has, 0), has


def _unit(x: Tensor) -> Tensor:
    x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return normalize(x, dim=-1, eps=1e-12)


def _check(anchors: Tensor, candidates: Tensor, temperature: float, positives: Same | None) -> None:
    if anchors.ndim != 2 or candidates.ndim != 2 or anchors.shape[1] != candidates.shape[1]:
        raise ValueError(
            "anchors and candidates must be (N, D) and (M, D), got "
            f"{tuple(anchors.shape)} and {tuple(candidates.shape)}"
        )
    if positives is None and len(anchors) > len(candidates):
        raise ValueError(
            f"without `positives` each anchor needs a candidate of its own, got {len(anchors)} "
            f"anchors and {len(candidates)} candidates"
        )
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
