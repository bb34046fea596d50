"""Hydra: samples of any two classes are alike in some subspace, which a gate selects (2410.18200).

Each anchor is given a partner class; a gate vector learnt for the pair of classes restricts the
comparison to a part of the dimensions, in which the partner's samples are the positives.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.checkpoint import checkpoint

from contrast.forms import Differ, Same, Views
from contrast.objectives.rows import related, unit
from contrast.objectives.temperature import Temperature
from contrast.primitives.pair_sums import pair_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.sharing import own_rows, summed

Variant = Literal["weighted", "gated_norm"]
Partner = Literal["arbitrary", "identical", "distinct"]

# Scores of `gated_norm` that are in memory at once.
STRIP = 2**21


class Hydra(nn.Module):
    """Hydra as the objective of a recipe: gates, partner classes, and `hydra` on a `Views` form.

    View 0 are the anchors and the other views the candidates; a single view is both. Partners are
    the labels of the batch (`arbitrary`), the anchors' own (`identical`) or any other class
    (`distinct`). Nothing is drawn: the batch is shifted against itself, by one more at each step,
    so that all ranks agree.
    """

    steps: Tensor

    def __init__(
        self,
        classes: int,
        width: int,
        temperature: float = 0.1,
        variant: Variant = "weighted",
        partner: Partner = "arbitrary",
    ) -> None:
        super().__init__()
        if partner == "distinct" and classes < 2:
            raise ValueError(f"a distinct partner class needs 2 classes or more, got {classes}")
        self.classes, self.variant, self.partner = classes, variant, partner
        self.gate = Gate(classes, width)
        self.temperature = Temperature(temperature, learnt=variant == "weighted")
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, form: Views) -> Tensor:
        """The loss, a scalar."""
        if form.labels is None:
            raise ValueError("Hydra needs the class of each sample: the form has no `labels`")
        partners = self.partners(form.labels)
        if self.training:
            self.steps += 1
        others = form.z[1:] if len(form.z) > 1 else form.z
        return hydra(
            form.z[0],
            others.flatten(0, 1),
            self.gate(form.labels, partners),
            form.labels,
            partners,
            candidate_labels=form.labels.repeat(len(others)),
            temperature=self.temperature(),
            variant=self.variant,
        )

    def partners(self, labels: Tensor) -> Tensor:
        """The partner class of each sample at this step, (N,)."""
        if self.partner == "identical":
            return labels
        place = torch.arange(len(labels), device=labels.device)
        if self.partner == "distinct":
            return (labels + 1 + (place + self.steps) % (self.classes - 1)) % self.classes
        shift = 1 + self.steps % max(len(labels) - 1, 1)
        return labels[(place + shift) % len(labels)]


class Gate(nn.Module):
    """g(y, y2) in (0, 1)^D: how far each dimension counts when two classes are compared.

    Symmetric in the classes. Embedding, then two layers with batch norm, as the authors have it.
    """

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, 512)
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.BatchNorm1d(512),
            nn.Linear(512, 1024),
            nn.ReLU(),
            nn.BatchNorm1d(1024),
            nn.Linear(1024, width),
            nn.Sigmoid(),
        )

    def forward(self, labels: Tensor, partners: Tensor) -> Tensor:
        """The gates of N pairs of classes, (N, D)."""
        return self.layers((self.embedding(labels) + self.embedding(partners)) / 2)


def hydra(
    anchors: Tensor,
    candidates: Tensor,
    gates: Tensor,
    labels: Tensor,
    partners: Tensor,
    *,
    candidate_labels: Tensor | None = None,
    temperature: float | Tensor,
    variant: Variant = "weighted",
) -> Tensor:
    """InfoNCE of each anchor with every sample of its partner class, under the anchor's gate.

    L = mean over {(i, j): y_j = y2_i} of softplus(l_i - s_ij / t),
    l_i = log sum exp(s_ij / t) over candidates of neither class, y_i nor y2_i    (arXiv:2410.18200)
    s_ij = <g_i^2 a_i, k_j> of unit rows (weighted), or cos(g_i a_i, g_i k_j) (gated_norm)

    Shapes:  anchors, gates: (N, D), candidates: (M, D) float, any scale (normalised inside);
    labels, partners: (N,), candidate_labels: (M,) integer, `labels` if None;  returns ().
    Gradient: to both sides, the gates and a temperature that is a tensor.
    Cost: O(N M D) time; O((N + M) D) memory, for gated_norm 32 MiB more.
    Edge cases: an anchor whose partner class has no candidate adds nothing; if none has one, the
    loss is 0 with zero gradient. Without negatives a pair adds 0. NaN in, NaN out.
    Raises: ValueError: shapes do not fit, temperature <= 0, or an unknown variant.
    """
    check_pairs(anchors, candidates, temperature)
    if variant not in ("weighted", "gated_norm"):
        raise ValueError(f"variant must be weighted or gated_norm, got {variant!r}")
    if gates.shape != anchors.shape:
        raise ValueError(
            f"gates and anchors must have one shape, got {tuple(gates.shape)} and "
            f"{tuple(anchors.shape)}"
        )
    classes = labels if candidate_labels is None else candidate_labels
    if not len(labels) == len(partners) == len(anchors) or len(classes) != len(candidates):
        raise ValueError(
            f"{len(anchors)} anchors and {len(candidates)} candidates need as many labels, got "
            f"{len(labels)}, {len(partners)} partners and {len(classes)}"
        )
    a, k, g = unit(anchors), unit(candidates), wide(gates)
    t = torch.as_tensor(temperature, dtype=a.dtype, device=a.device)
    with torch.autocast(a.device.type, enabled=False):
        total = (_weighted if variant == "weighted" else _gated_norm)(
            a, k, g, labels, partners, classes, t
        )
    _, count = related(Same(partners, classes), k[:, :1])
    return total / count.sum().clamp_min(1)


def _weighted(
    a: Tensor, k: Tensor, g: Tensor, y: Tensor, y2: Tensor, classes: Tensor, t: Tensor
) -> Tensor:
    """The sum over positive pairs, whose scores are inner products of gated anchors."""
    gated = a * g.square()
    neither = (Differ(y, classes), Differ(y2, classes))
    lse = row_lse(gated, k, temperature=t, weights=neither).lse
    return pair_sum(
        gated,
        k,
        lambda s, lse, t: softplus(lse - s / t),
        rows=(lse,),
        parameters=(t,),
        weights=(Same(y2, classes),),
    )


def _gated_norm(
    a: Tensor, k: Tensor, g: Tensor, y: Tensor, y2: Tensor, classes: Tensor, t: Tensor
) -> Tensor:
    """The sum over positive pairs by strips of anchors: |g_i k_j| is a product of its own."""
    if rows := own_rows(len(a)):
        return summed(_by_strips(*(x[rows] for x in (a, g, y, y2)), k, classes, t))
    return _by_strips(a, g, y, y2, k, classes, t)


def _by_strips(
    a: Tensor, g: Tensor, y: Tensor, y2: Tensor, k: Tensor, classes: Tensor, t: Tensor
) -> Tensor:
    height = max(STRIP // max(len(k), 1), 1)
    if len(a) <= height:
        return _gated_norm_strip(a, g, y, y2, k, classes, t)
    options = {"use_reentrant": False, "preserve_rng_state": False}
    strips = zip(*(x.split(height) for x in (a, g, y, y2)), strict=True)
    found = [checkpoint(_gated_norm_strip, *strip, k, classes, t, **options) for strip in strips]
    return torch.stack(found).sum()


def _gated_norm_strip(
    a: Tensor, g: Tensor, y: Tensor, y2: Tensor, k: Tensor, classes: Tensor, t: Tensor
) -> Tensor:
    inner = (a * g.square()) @ k.T
    lengths = (g.square() @ k.square().T).clamp_min(1e-24).sqrt()  # |g_i k_j|
    own = (a * g).square().sum(1, keepdim=True).clamp_min(1e-24).sqrt()
    logits = inner / (own * lengths) / t
    positive = y2[:, None] == classes
    negative = ~positive & (y[:, None] != classes)
    none = ~negative.any(1, keepdim=True)
    lse = logits.masked_fill(~negative & ~none, -torch.inf).logsumexp(1, keepdim=True)
    pull = softplus(lse.masked_fill(none, -torch.inf) - logits)
    return pull.masked_fill(~positive, 0).sum()
