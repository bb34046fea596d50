"""Scores as inner products: checks, precision, temperature and distance, all D-wide work."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

Score = Literal["inner", "distance"]


def wide(x: Tensor) -> Tensor:
    """The tensor in float32 at least, in which all sums are formed."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def full_precision(x: Tensor) -> AbstractContextManager:
    """A block in which autocast does not round products to half precision."""
    device = x.device.type
    on = torch.is_autocast_enabled(device)
    return torch.autocast(device, enabled=False) if on else nullcontext()


def check_pairs(
    anchors: Tensor, candidates: Tensor | None, temperature: float | Tensor = 1.0
) -> tuple[int, int]:
    """The numbers of anchors and of candidates.

    Raises: ValueError: shapes do not fit, or temperature is a number <= 0.
    """
    others = anchors if candidates is None else candidates
    if anchors.ndim != 2 or others.ndim != 2 or anchors.shape[1] != others.shape[1]:
        raise ValueError(
            "anchors and candidates must be (N, D) and (M, D), got "
            f"{tuple(anchors.shape)} and {tuple(others.shape)}"
        )
    if not isinstance(temperature, Tensor):
        if not temperature > 0:
            raise ValueError(f"temperature must be > 0, got {temperature}")
    elif temperature.numel() != 1 and temperature.shape != anchors.shape[:1]:
        raise ValueError(
            f"temperature must be one number or one for each of {len(anchors)} anchors, got shape "
            f"{tuple(temperature.shape)}"
        )
    return len(anchors), len(others)


def lower_scores(
    anchors: Tensor, candidates: Tensor, temperature: float | Tensor = 1.0, score: Score = "inner"
) -> tuple[Tensor, Tensor, float]:
    """Rows a, k and a scale r such that r a k^T are the scores over each anchor's temperature.

    -|a - k|^2 = <(2a, -1, -|a|^2), (k, |k|^2, 1)>, with the mean candidate as the origin, since far
    from it the three terms would cancel.

    Shapes:  anchors: (N, D), candidates: (M, D);  a: (N, D'), k: (M, D'), D' = D or D + 2.
    """
    a, k = anchors, candidates
    if score == "distance":
        centre = k.detach().mean(0)
        a, k = a - centre, k - centre
        squares = a.square().sum(1, keepdim=True), k.square().sum(1, keepdim=True)
        a = torch.cat((2 * a, -torch.ones_like(squares[0]), -squares[0]), 1)
        k = torch.cat((k, squares[1], torch.ones_like(squares[1])), 1)
    if isinstance(temperature, Tensor):
        return a / temperature.to(a.dtype).reshape(-1, 1), k, 1.0
    return a, k, 1 / temperature


def lower_alike(
    rows: Tensor, temperature: float | Tensor, score: Score = "inner"
) -> tuple[Tensor, None, float]:
    """The same for rows against themselves at one temperature: x stays symmetric.

    x = r a a^T, and for distances x = r a mirrored(a)^T with a = (2^1/2 y, -|y|^2, 1).
    """
    a = rows
    if score == "distance":
        y = rows - rows.detach().mean(0)
        square = y.square().sum(1, keepdim=True)
        a = torch.cat((2**0.5 * y, -square, torch.ones_like(square)), 1)
    if isinstance(temperature, Tensor):
        return a / temperature.to(a.dtype).sqrt(), None, 1.0
    return a, None, 1 / temperature


def mirrored(a: Tensor) -> Tensor:
    """The rows with their last two columns exchanged."""
    return torch.cat((a[:, :-2], a[:, -1:], a[:, -2:-1]), 1)
