"""How hard the negatives are that carry InfoNCE's gradient, how large it is and where it points.

Of unit rows with s_ij = <a_i, c_j>, anchor i has positives P_i and negatives N_i. By itself

    L_i = -log p_i,    p_i = sum_{j in P_i} e^(s_ij/t) / sum_{j in P_i or N_i} e^(s_ij/t)
    -dL_i/da_i = w_i d_i,    w_i = (1 - p_i) / t,    d_i = c_i+ - c_i-

where c_i+ and c_i- are the mean positive and the mean negative, each under its own softmax of
s_ij / t: the gradient is (c_i+ - m_i) / t with the mean m_i = p_i c_i+ + (1 - p_i) c_i- over both.
So w_i says how much an anchor is pulled, and d_i whereto. Of d_i the unit length of a_i lets pass
what is orthogonal to a_i, the share sqrt(1 - cos(a_i, d_i)^2).

The softmax over N_i is the relative penalty of arXiv:2012.09740, section 3: the exponential of its
entropy is the number of negatives that carry the gradient, and s_i- = <a_i, c_i-> their similarity.
The mean candidate of a softmax is t times the gradient of its log-sum-exp, so memory is O(N D).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor
from torch.nn.functional import cosine_similarity

from contrast.evaluation.geometry import effective_rank, tolerance, uniformity
from contrast.forms import Differ, Pairs, Same
from contrast.objectives.rows import check_aligned, unit
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import check_pairs, wide
from contrast.primitives.structure import Structure

MOST_ANCHORS = 1024  # more are drawn from
DRAWN_PAIRS = 2**14  # of which the negatives are counted by similarity
BINS = 40  # of similarities, from -1 to 1
SHORTEST = 1e-12  # a row below this length has no direction
QUANTILES = (0.1, 0.5, 0.9)

Spread = list[float | None]
Mean = tuple[Tensor, Tensor]  # the log-sum-exp (N,), the mean candidate (N, D)


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found, in plain values; None where one is not defined.

    `spreads` hold mean, 10 %, 50 % and 90 % quantile over the anchors, `numbers` one value each;
    `positives` and `negatives` count similarities in `BINS` bins of equal width from -1 to 1, and
    `carried` says how much of the gradient's negative part the negatives of each bin carry, in
    percent; `assumed` says that the temperature is not the objective's.
    """

    temperature: float
    spreads: dict[str, Spread]
    numbers: dict[str, float | int | None]
    positives: list[int]
    negatives: list[int]
    carried: list[float] = field(default_factory=list)
    assumed: bool = False


def diagnose(
    form: Pairs, *, temperature: float, generator: Generator, labels: Tensor | None = None
) -> Diagnosis:
    """How InfoNCE at this temperature weighs these pairs.

    Rows of no direction, and anchors without a positive or a negative, are counted and left out.

    Shapes:  labels: (N,) integer classes of the anchors, negative where unknown.
    Gradient: none.     Cost: O(N M D) time, O((N + M) D) memory, N at most `MOST_ANCHORS`.
    Raises: ValueError: shapes do not fit, or temperature <= 0.
    """
    check_pairs(form.anchors, form.candidates, temperature)
    check_aligned(form.anchors, form.candidates, form.positives)
    anchors, candidates = wide(form.anchors.detach()), wide(form.candidates.detach())
    chosen = torch.randperm(len(anchors), generator=generator)[:MOST_ANCHORS].sort().values
    chosen = chosen.to(anchors.device)
    lengths = anchors[chosen].norm(dim=1), candidates.norm(dim=1)
    rows = chosen[_has_direction(lengths[0])]
    columns = _has_direction(lengths[1]).nonzero()[:, 0]
    a, c = unit(anchors[rows]), unit(candidates[columns])
    positives, negatives = _relations(form, rows, columns)
    positive = mean_candidate(a, c, positives, temperature)
    negative = mean_candidate(a, c, negatives, temperature)
    alike = mean_candidate(torch.zeros_like(a), c, negatives, 1.0)
    partner = mean_candidate(torch.zeros_like(a), c, positives, 1.0)[1]
    lonely, unopposed = positive[0] == -torch.inf, negative[0] == -torch.inf
    full = (~(lonely | unopposed)).nonzero()[:, 0]
    measures = _measures(a, positive, negative, alike, temperature)
    drawn, owners = _drawn_negatives(a, c, full, negatives, generator)
    shares = (drawn / temperature - negative[0][owners]).exp()
    left_out = {
        "rows of length 0": sum(int((x < SHORTEST).sum()) for x in lengths),
        "rows that are not finite": sum(int((~x.isfinite()).sum()) for x in lengths),
        "anchors without a positive": int(lonely.sum()),
        "anchors without a negative": int(unopposed.sum()),
        "degenerate anchors, percent": 100 * (len(chosen) - len(full)) / max(len(chosen), 1),
    }
    return Diagnosis(
        temperature,
        spreads={name: _spread(values[full]) for name, values in measures.items()},
        numbers={
            "anchors": len(chosen),
            "candidates": len(candidates),
            "alignment": float(2 - 2 * (a * partner).sum(1)[full].mean()) if len(full) else None,
            "uniformity": uniformity(a) if len(a) else None,
            "tolerance": tolerance(a, labels[rows]) if labels is not None and len(a) else None,
            "effective rank": effective_rank(a) if len(a) else None,
            **left_out,
        },
        positives=_counts((a * positive[1]).sum(1)[full]),
        negatives=_counts(drawn),
        carried=_percent(drawn, shares),
    )


def mean_candidate(
    anchors: Tensor, candidates: Tensor, weights: tuple[Structure, ...], temperature: float
) -> Mean:
    """Each anchor's log-sum-exp over candidates, and their mean under the softmax that it norms.

    Anchors of zeros weigh all alike: the first is then the logarithm of how many there are.

    Shapes:  anchors: (N, D), candidates: (M, D);  gives (N,) and (N, D), -inf and 0 where none is.
    """
    with torch.enable_grad():
        a = anchors.detach().requires_grad_()
        lse = row_lse(a, candidates, temperature=temperature, weights=weights).lse
        (slope,) = torch.autograd.grad(lse, a, torch.ones_like(lse))
    return lse.detach(), temperature * slope


def _relations(
    form: Pairs, rows: Tensor, columns: Tensor
) -> tuple[tuple[Same | Differ, ...], tuple[Differ, ...]]:
    """Who is whose positive and whose negative among some of the rows of a form.

    As `infonce` reads it: the aligned positive of an anchor is never excluded.
    """
    own, unseen = Same(rows, columns), ()
    if form.excluded is not None:
        unseen = (Differ(form.excluded.rows[rows], form.excluded.columns[columns]),)
    if form.positives is None:
        return (own,), (Differ(rows, columns), *unseen)
    own = Same(form.positives.rows[rows], form.positives.columns[columns])
    return (own, *unseen), (Differ(own.rows, own.columns), *unseen)


def _has_direction(length: Tensor) -> Tensor:
    return length.isfinite() & (length >= SHORTEST)


def _measures(
    a: Tensor, positive: Mean, negative: Mean, alike: Mean, temperature: float
) -> dict[str, Tensor]:
    """What is known of each anchor, (N,) each; nothing sensible where it lacks a partner."""
    near, hard, plain = ((a * mean).sum(1) for _, mean in (positive, negative, alike))
    odds = positive[0] - negative[0]
    entropy = (negative[0] - hard / temperature).clamp(min=0).minimum(alike[0])
    direction, unweighted = positive[1] - negative[1], positive[1] - alike[1]
    passed = 1 - cosine_similarity(a, direction).square()
    return {
        "similarity of the positive": near,
        "similarity of the negatives, all alike": plain,
        "similarity of the negatives, weighted": hard,
        "negatives that carry the gradient": entropy.exp(),
        "of all negatives, percent": 100 * (entropy - alike[0]).exp(),
        "share p of the positive": odds.sigmoid(),
        "weight of the gradient, (1 - p) / t": (-odds).sigmoid() / temperature,
        "share of the direction that turns the anchor": passed.clamp(min=0).sqrt(),
        "cosine to the direction without weights": cosine_similarity(direction, unweighted),
    }


def _spread(values: Tensor) -> Spread:
    """Mean and quantiles; None each where there is no value."""
    if not len(values):
        return [None] * (1 + len(QUANTILES))
    values = values.double().cpu()
    quantiles = values.quantile(torch.tensor(QUANTILES, dtype=values.dtype))
    return [float(values.mean()), *quantiles.tolist()]


def _drawn_negatives(
    a: Tensor, c: Tensor, full: Tensor, negatives: tuple[Differ, ...], generator: Generator
) -> tuple[Tensor, Tensor]:
    """The negatives among `DRAWN_PAIRS` pairs drawn with replacement: similarities, anchors."""
    if not len(full):
        return a.new_zeros(0), full
    sizes = len(full), len(c)
    rows, columns = (torch.randint(n, (DRAWN_PAIRS,), generator=generator) for n in sizes)
    rows, columns = full[rows.to(a.device)], columns.to(a.device)
    for differ in negatives:
        kept = differ.rows[rows] != differ.columns[columns]
        rows, columns = rows[kept], columns[kept]
    return (a[rows] * c[columns]).sum(1), rows


def _counts(similarities: Tensor) -> list[int]:
    return torch.histc(similarities.float().cpu().clamp(-1, 1), BINS, -1, 1).long().tolist()


def _percent(similarities: Tensor, weights: Tensor) -> list[float]:
    """The weight of each bin in percent of all; zeros where there is none."""
    bins = ((similarities.double().cpu() + 1) * (BINS / 2)).long().clamp(0, BINS - 1)
    sums = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, weights.double().cpu())
    return (100 * sums / sums.sum().clamp(min=torch.finfo(sums.dtype).tiny)).tolist()
