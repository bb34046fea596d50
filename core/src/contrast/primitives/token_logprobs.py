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

# Positions and vocabulary entries of a tile. CPU: 4 MiB in float32, which stays in the cache.
CPU_TILE = (256, 4096)
DEVICE_TILE = (4096, 16384)
FLOOR = -87.0  # exp of less is denormal in float32, which costs the CPU up to 200 times as much


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
        head = _Head(weight, bias, scale, softcap)
        lse, target, spread = (h.new_empty(len(h), dtype=head.dtype) for _ in range(3))
        with full_precision(h):
            for rows in _spans(len(h), head.tile[0]):
                run = _Running(targets[rows], head.dtype, entropy)
                for columns in _spans(len(weight), head.tile[1]):
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
        head = _Head(weight, bias, scale, softcap)
        sums = [
            torch.zeros_like(tensor, dtype=head.dtype) if needed else None
            for tensor, needed in zip((h, weight, bias), ctx.needs_input_grad, strict=False)
        ]
        for rows in _spans(len(h), head.tile[0]):
            for columns in _spans(len(weight), head.tile[1]):
                x = head.scores(h[rows], columns)
                log_p = (x - lse[rows, None]).clamp_(min=FLOOR)
                d_x = log_p.exp().mul_(-g[rows, None])
                if entropy:
                    slope = log_p.exp().mul_(log_p.add_(spread[rows, None]))
                    d_x.addcmul_(slope, g_entropy[rows, None], value=-1)
                place, inside = _places(targets[rows], columns)
                d_x.scatter_add_(1, place, (g[rows] * inside)[:, None])
                head.add_gradients(d_x, x, h, rows, columns, sums)
        return *sums, None, None, None, None


class _Head:
    """The last layer of a language model, one tile of logits at a time."""

    def __init__(self, weight: Tensor, bias: Tensor | None, scale: float, softcap: float) -> None:
        self.weight, self.bias, self.scale, self.softcap = weight, bias, scale, softcap
        self.dtype = torch.promote_types(weight.dtype, torch.float32)
        self.tile = DEVICE_TILE if weight.is_cuda else CPU_TILE

    def scores(self, h: Tensor, columns: slice) -> Tensor:
        """The logits of some positions for some of the vocabulary, (b, m)."""
        y = _product(h, self.weight[columns].T, self.dtype)
        if self.bias is not None:
            y += self.bias[columns]
        if self.scale != 1:
            y *= self.scale
        return y.div_(self.softcap).tanh_().mul_(self.softcap) if self.softcap else y

    def add_gradients(
        self,
        d_x: Tensor,
        x: Tensor,
        h: Tensor,
        rows: slice,
        columns: slice,
        sums: list[Tensor | None],
    ) -> None:
        """Add what a tile's gradient brings to those of hidden states, weight and bias."""
        if self.softcap:
            d_x.addcmul_(d_x * x, x, value=-1 / self.softcap**2)  # 1 - tanh^2
        if self.scale != 1:
            d_x *= self.scale
        d_h, d_weight, d_bias = sums
        if d_h is not None:
            _add_product(d_h[rows], d_x, self.weight[columns])
        if d_weight is not None:
            _add_product(d_weight[columns], d_x.T, h[rows])
        if d_bias is not None:
            d_bias[columns] += d_x.sum(0)


class _Running:
    """The statistics of some positions over the vocabulary seen so far."""

    def __init__(self, targets: Tensor, dtype: torch.dtype, entropy: bool) -> None:
        self.targets, self.with_entropy = targets, entropy
        self.target = torch.full(targets.shape, torch.nan, dtype=dtype, device=targets.device)
        self.largest = torch.full_like(self.target, torch.finfo(dtype).min)
        self.total = torch.zeros_like(self.target)  # of exp(x - largest)
        self.moment = torch.zeros_like(self.target)  # of exp(x - largest) (x - largest)

    def add(self, x: Tensor, columns: slice) -> None:
        """Take in a tile of logits, whose memory is used up."""
        place, inside = _places(self.targets, columns)
        self.target = torch.where(inside, x.gather(1, place)[:, 0], self.target)
        largest = torch.maximum(self.largest, x.amax(1))
        step = (self.largest - largest).clamp_(min=2 * FLOOR)
        decay = step.exp()
        shifted = x.sub_(largest[:, None]).clamp_(min=FLOOR)
        if self.with_entropy:
            weight = shifted.exp()
            self.moment = decay * (self.moment + self.total * step) + (weight * shifted).sum(1)
            self.total = decay * self.total + weight.sum(1)
        else:
            self.total = decay * self.total + shifted.exp_().sum(1)
        self.largest = largest

    def lse(self) -> Tensor:
        """The log-sum-exp of the logits, (b,)."""
        return self.largest + self.total.log()

    def entropy(self) -> Tensor:
        """The entropy of their softmax, (b,)."""
        return self.total.log() - self.moment / self.total


def _spans(length: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _places(targets: Tensor, columns: slice) -> tuple[Tensor, Tensor]:
    """Where the targets are in a tile, (b, 1), and whether they are, (b,)."""
    place = targets - columns.start
    width = columns.stop - columns.start
    return place.clamp(0, width - 1)[:, None], (place >= 0) & (place < width)


def _product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """The matrix product, summed and given in `dtype`."""
    if a.is_cuda and a.dtype == b.dtype == torch.bfloat16:
        return torch.mm(a, b, out_dtype=dtype)
    return a.to(dtype) @ b.to(dtype)


def _add_product(out: Tensor, a: Tensor, b: Tensor) -> None:
    """Add the matrix product of a gradient `a` in the dtype of `out` with some input `b`."""
    if b.is_cuda and b.dtype == torch.bfloat16:
        out += _product(a.to(b.dtype), b, out.dtype)
    else:
        out.addmm_(a, b.to(out.dtype))


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
