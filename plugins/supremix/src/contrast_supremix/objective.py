"""SupReMix: contrast for regression with mixed pairs (arXiv:2309.16633).

Two mixtures of embeddings make pairs hard: the anchor mixed with another sample is a negative, and
a smaller with a larger label mixed so that the mixed label is the anchor's is a positive. Scores
of mixtures are linear in similarities, so that no mixture is ever formed.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize

from contrast.forms import Views
from contrast.objectives.rows import Reduction, reduced
from contrast.objectives.several_views import check_views
from contrast.primitives.mixup import mixed_between, mixed_with_anchor
from contrast.primitives.scores import full_precision, wide
from contrast_supremix.form import Ordered

DistanceWeight = Literal["l1", "l2", "inverse_l1", "inverse_l2", "none"]
Denominator = Literal["count_plus_one", "count"]
MOST_ADDED = 10  # exponential numbers that a gamma number is the sum of


class SupReMix(nn.Module):
    """SupReMix as the objective of a recipe, on a `Views` form with targets.

    With `label_bin` targets are rounded to its multiples first, so that there are real positives.
    """

    def __init__(
        self,
        temperature: float = 0.3,
        window: float = 5.0,
        label_bin: float = 1.0,
        beta_a: float = 2.0,
        beta_b: float = 8.0,
        mix_neg: bool = True,
        mix_pos: bool = True,
        distance_weight: DistanceWeight = "l1",
        denominator: Denominator = "count_plus_one",
    ) -> None:
        super().__init__()
        self.temperature, self.window, self.label_bin = temperature, window, label_bin
        self.beta = beta_a, beta_b
        self.mix_neg, self.mix_pos = mix_neg, mix_pos
        self.distance_weight, self.denominator = distance_weight, denominator

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        if form.targets is None:
            raise ValueError("supremix needs targets, the form has none")
        given = form.generator() if isinstance(form, Ordered) else None
        labels = binned(form.targets, self.label_bin)
        return supremix(form.z, labels, generator=given, **self.choices())

    def choices(self) -> dict[str, Any]:
        """The settings as `supremix` and `anchor_losses` take them."""
        return {
            "temperature": self.temperature,
            "window": self.window,
            "beta": self.beta,
            "mix_neg": self.mix_neg,
            "mix_pos": self.mix_pos,
            "distance_weight": self.distance_weight,
            "denominator": self.denominator,
        }


def supremix(
    z: Tensor,
    labels: Tensor,
    *,
    share: Tensor | None = None,
    generator: Generator | None = None,
    temperature: float = 0.3,
    window: float = 5.0,
    beta: tuple[float, float] = (2.0, 8.0),
    mix_neg: bool = True,
    mix_pos: bool = True,
    distance_weight: DistanceWeight = "l1",
    denominator: Denominator = "count_plus_one",
    reduction: Reduction = "mean",
) -> Tensor:
    """Contrast of samples ordered by a label, with mixed negatives and mixed positives.

    L_i = -1/(|P_i| + 1) sum_{p in P_i} (l_ip - log D_i)                     (arXiv:2309.16633)
    D_i = sum_{a != i} w_ia e^{l_ia} + sum_{mix-neg} w e^l + sum_{mix-pos} e^l

    with l = <z_i, m> / t on rows of length 1, w(y_i, y') = |y_i - y'| + 1, P_i the rows of i's own
    label and its mix-pos. mix-neg: s z_i + (1 - s) z_k for every other label, s ~ Beta(a, b) anew
    for each pair; mix-pos: as in `contrast.primitives.mixup.mixed_between`. Mixtures carry no
    gradient and are not made unit length again. `denominator="count"` divides by |P_i|.
    `mix_neg=mix_pos=False, distance_weight="none", denominator="count"` is SupCon, anchors
    without a positive counted as 0.

    Differs: the authors' code shifts real pairs and mixtures by two maxima, which weighs them
    anew; here one log-sum-exp runs over all. Its squared inverse weight of mixtures adds 1 twice.

    Shapes:  z: (V, N, D) float, any scale (normalised inside);  labels: (N,), equal where they
    shall count as one;  share: (VN, VN) of each anchor in its mix-neg, drawn where None;
    returns () or (V, N) if reduction="none"; at least float32.
    Gradient: to all views.     Cost: O(R^2 D + #mixtures) time, O(R^2) memory, R = V N rows.
    Edge cases: an anchor without a positive is 0; without any the loss is 0 with zero gradient;
    the smallest and the largest label have no mix-pos. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, a single row, temperature <= 0, or an unknown choice.
    """
    views, n = check_views(z, views=1)
    if labels.shape != (n,):
        raise ValueError(f"labels must be ({n},), one number a sample, got {tuple(labels.shape)}")
    rows = views * n
    if share is not None and share.shape != (rows, rows):
        raise ValueError(f"share must be ({rows}, {rows}), got {tuple(share.shape)}")
    losses = anchor_losses(
        wide(z).flatten(0, 1)[None],
        labels.repeat(views)[None],
        share=None if share is None else share[None],
        generator=generator,
        temperature=temperature,
        window=window,
        beta=beta,
        mix_neg=mix_neg,
        mix_pos=mix_pos,
        distance_weight=distance_weight,
        denominator=denominator,
    )
    return reduced(losses.view(views, n), reduction)


def anchor_losses(
    z: Tensor,
    labels: Tensor,
    *,
    share: Tensor | None = None,
    generator: Generator | None = None,
    temperature: float = 0.3,
    window: float = 5.0,
    beta: tuple[float, float] = (2.0, 8.0),
    mix_neg: bool = True,
    mix_pos: bool = True,
    distance_weight: DistanceWeight = "l1",
    denominator: Denominator = "count_plus_one",
) -> Tensor:
    """L_i of every row of S problems that know nothing of one another; see `supremix`.

    Shapes:  z: (S, R, D);  labels: (S, R);  share: (S, R, R);  returns (S, R).
    Raises: ValueError: a single row, temperature <= 0, or an unknown choice.
    """
    if z.shape[1] < 2:
        raise ValueError(f"one row has nothing to be compared with, got z of {tuple(z.shape)}")
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    if denominator not in ("count_plus_one", "count"):
        raise ValueError(f"denominator must be count_plus_one or count, got {denominator!r}")
    with full_precision(z):
        x = normalize(z, dim=-1)
        y = _near_zero(labels, x.dtype)
        gaps = (y[:, :, None] - y[:, None]).abs()
        logits = x @ x.mT / temperature  # (S, R, R)
        mixed = x @ x.detach().mT / temperature  # no gradient to what is mixed
        itself = torch.eye(y.shape[1], dtype=torch.bool, device=x.device)
        mates = (gaps == 0) & ~itself
        weighted = (logits + log_weight(gaps, distance_weight)).masked_fill(itself, -torch.inf)
        competing = [weighted]
        total = logits.masked_fill(~mates, 0).sum(2)
        count = mates.sum(2)
        if mix_neg:
            s = draw_shares(gaps, beta, generator) if share is None else share.to(x.dtype)
            competing.append(_mixed_negatives(mixed, gaps, s, distance_weight))
        if mix_pos:
            found = mixed_between(mixed, y, window)
            competing.append(found.lse[:, :, None])
            total, count = total + found.total, count + found.count
        log_d = torch.cat(competing, 2).logsumexp(2)
        divisor = count + 1 if denominator == "count_plus_one" else count.clamp(1)
        return (count * log_d - total).masked_fill(count == 0, 0) / divisor


def _near_zero(labels: Tensor, dtype: torch.dtype) -> Tensor:
    """Labels in the dtype of the rows; from their smallest on where float32 holds less than they
    do, so that dates such as 20240131 stay apart.  (S, R)."""
    if dtype == torch.float32 and labels.dtype in (torch.float64, torch.int32, torch.int64):
        labels = labels - labels.amin(1, keepdim=True)
    return labels.to(dtype)


def _mixed_negatives(mixed: Tensor, gaps: Tensor, share: Tensor, weight: DistanceWeight) -> Tensor:
    """Weighted scores with s z_i + (1 - s) z_k, -inf where k has i's label, (S, R, R)."""
    scores = mixed_with_anchor(mixed, share)
    return (scores + log_weight((1 - share) * gaps, weight)).masked_fill(gaps == 0, -torch.inf)


def log_weight(gaps: Tensor, kind: DistanceWeight) -> Tensor:
    """log w of label distances: w = d + 1, d^2 + 1, the inverses of both, or 1.

    Raises: ValueError: an unknown kind.
    """
    if kind == "none":
        return torch.zeros_like(gaps)
    signs = {"l1": 1, "l2": 1, "inverse_l1": -1, "inverse_l2": -1}
    if kind not in signs:
        raise ValueError(f"distance_weight must be one of {', '.join(signs)}, none; got {kind!r}")
    return signs[kind] * (gaps.square() if kind.endswith("2") else gaps).log1p()


def draw_shares(like: Tensor, beta: tuple[float, float], generator: Generator | None) -> Tensor:
    """Beta(a, b) numbers of the shape of a tensor, one for each ordered pair."""
    a, b = (_gamma(each, like, generator) for each in beta)
    return (a / (a + b)).to(like.device)


def _gamma(shape: float, like: Tensor, generator: Generator | None) -> Tensor:
    """Gamma(shape) numbers; for a small whole shape as a sum of exponential ones, which is
    twice as fast."""
    if shape.is_integer() and shape <= MOST_ADDED:
        sizes = int(shape), *like.shape
        uniform = 1 - torch.rand(sizes, dtype=like.dtype, generator=generator)  # never 0
        return -uniform.prod(0).log()
    return torch._standard_gamma(
        torch.full(like.shape, shape, dtype=like.dtype), generator=generator
    )


def binned(targets: Tensor, width: float) -> Tensor:
    """Targets rounded to multiples of a width; as they are for a width of 0.

    Raises: ValueError: several targets a sample, which have no order.
    """
    if targets.ndim != 1:
        raise ValueError(
            f"supremix orders by one target, got targets of shape {tuple(targets.shape)}; "
            "train one model for each"
        )
    return rounded(targets, width)


def rounded(targets: Tensor, width: float) -> Tensor:
    """Targets of any shape rounded to multiples of a width; as they are for a width of 0."""
    return (targets / width).round() * width if width else targets
