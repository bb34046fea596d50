"""Token log-probabilities of a language model without its (B, T, vocabulary) tensor of logits.

   vocabulary ->       Only response positions are scored. A tile of logits is made, folded into
p  +----+----+----+    a running log-sum-exp (and first moment) and forgotten; the backward pass
o  | x  |    |    |    makes it again and turns it into gradients at once. Kept for the backward
s  +----+----+----+    pass: two numbers a position.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from contrast.primitives.scores import full_precision
from contrast.primitives.vocabulary import FLOOR, Head, Running, places, spans


@dataclass(frozen=True)
class TokenScores:
    """What is known of the tokens of some rows; 0 where a position was not scored.

    Shapes:  log_probs: (R, T) float, at least float32;  entropy: (R, T) in nats, or None.
    """

    log_probs: Tensor
    entropy: Tensor | None = None


def token_logprobs(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    mask: Tensor,
    *,
    bias: Tensor | None = None,
    scale: float = 1.0,
    softcap: float = 0.0,
    entropy: bool = False,
) -> TokenScores:
    """The log-probability of each target token under the head, and if asked the entropy there.

    x_v = cap(scale (<h, w_v> + b_v)),   cap(y) = c tanh(y / c) for `softcap` c > 0, else y
    log p = x_target - log sum_v exp(x_v),   H = log sum_v exp(x_v) - sum_v p_v x_v

    Position t of `hidden` must be the one that predicts position t of `targets`: shift before.

    Shapes:  hidden: (R, T, D);  weight: (V, D), a head's or a tied embedding's;  targets: (R, T)
    integer, anything where masked;  mask: (R, T) bool, True at response tokens;  bias: (V,).
    Gradient: to hidden, weight and bias, from log-probability and entropy; none of second order.
    The sums over positions and vocabulary, and the weight's gradient, are in float32 at least.
    Cost: O(n V D) time for n scored positions, four matrix products in all; one tile of memory
    beside the gradients.
    Edge cases: no position scored gives zeros that are attached to the graph.
    Raises: ValueError: the shapes do not fit, or a scored target is not in 0..V-1 (on CPU; on
    CUDA its log-probability is NaN), or softcap < 0.
    """
    _check(hidden, weight, targets, mask, bias, softcap)
    chosen = targets[mask]  # (n,)
    if (
        chosen.numel()
        and not chosen.is_cuda
        and not 0 <= chosen.min() <= chosen.max() < len(weight)
    ):
        raise ValueError(
            f"targets must lie in 0..{len(weight) - 1}, got {chosen.min()}..{chosen.max()}; is a "
            "padding label left under the mask?"
        )
    found = _TokenScores.apply(hidden[mask], weight, bias, chosen, scale, softcap, entropy)
    empty = torch.zeros(mask.shape, dtype=found[0].dtype, device=mask.device)
    spread = [None if each is None else empty.masked_scatter(mask, each) for each in found]
    return TokenScores(*spread)


class _TokenScores(torch.autograd.Function):
    """Log-probability and entropy of n positions, both (n,)."""

    @staticmethod
    def forward(
        ctx: Any,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        scale: float,
        softcap: float,
        entropy: bool,
    ) -> tuple[Tensor, Tensor | None]:
        head = Head(weight, bias, scale, softcap)
        lse, target, spread = (h.new_empty(len(h), dtype=head.dtype) for _ in range(3))
        with full_precision(h):
            for rows in spans(len(h), head.tile[0]):
                run = Running(targets[rows], head.dtype, entropy)
                for columns in spans(len(weight), head.tile[1]):
                    run.add(head.scores(h[rows], columns), columns)
                lse[rows], target[rows] = run.lse(), run.target
                if entropy:
                    spread[rows] = run.entropy()
        ctx.settings = scale, softcap, entropy
        ctx.save_for_backward(h, weight, bias, targets, lse, spread)
        return target - lse, spread if entropy else None

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor, g_entropy: Tensor | None) -> tuple[Tensor | None, ...]:
        h, weight, bias, targets, lse, spread = ctx.saved_tensors
        scale, softcap, entropy = ctx.settings
        head = Head(weight, bias, scale, softcap)
        sums = [
            torch.zeros_like(tensor, dtype=head.dtype) if needed else None
            for tensor, needed in zip((h, weight, bias), ctx.needs_input_grad, strict=False)
        ]
        for rows in spans(len(h), head.tile[0]):
            for columns in spans(len(weight), head.tile[1]):
                x = head.scores(h[rows], columns)
                slope = head.slope(x)
                log_p = x.sub_(lse[rows, None]).clamp_(min=FLOOR)
                if entropy:  # dH/dx = -p (log p + H)
                    pull = (log_p + spread[rows, None]).mul_(g_entropy[rows, None])
                    d_x = log_p.exp_().mul_(pull.add_(g[rows, None]).neg_())
                else:
                    d_x = log_p.exp_().mul_(-g[rows, None])
                place, inside = places(targets[rows], columns)
                d_x.scatter_add_(1, place, (g[rows] * inside)[:, None])
                head.add_gradients(d_x.mul_(slope), h, rows, columns, sums)
        return *sums, None, None, None, None


def _check(
    hidden: Tensor,
    weight: Tensor,
    targets: Tensor,
    mask: Tensor,
    bias: Tensor | None,
    softcap: float,
) -> None:
    if hidden.ndim != 3 or weight.ndim != 2 or hidden.shape[2] != weight.shape[1]:
        raise ValueError(
            "hidden and weight must be (R, T, D) and (V, D), got "
            f"{tuple(hidden.shape)} and {tuple(weight.shape)}"
        )
    if not hidden.shape[:2] == targets.shape == mask.shape or mask.dtype != torch.bool:
        raise ValueError(
            f"targets and mask must be {tuple(hidden.shape[:2])}, the mask bool, got "
            f"{tuple(targets.shape)} and {tuple(mask.shape)} ({mask.dtype})"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(f"bias must be ({len(weight)},), got {tuple(bias.shape)}")
    if softcap < 0:
        raise ValueError(f"softcap must be >= 0 (0: none), got {softcap}")
