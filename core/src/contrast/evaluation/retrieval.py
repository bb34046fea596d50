"""Retrieval metrics from rank counts: the catalogue is compared with, and never sorted.

`ranks` counts, for each query, the candidates above its relevant ones; all metrics are read off
those ranks. Score matrices may come in chunks of queries: concatenate the ranks of the chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

Ties = Literal["mean", "pessimistic"]


def ranks(scores: Tensor, relevant: Tensor, ties: Ties = "mean") -> Tensor:
    """The ranks of the relevant candidates of each query, from 1, best first: (N, P) float64.

    A relevant candidate stands behind the relevant ones of higher score and behind all irrelevant
    ones of higher score. Of the irrelevant ones that tie with it, half count as above ("mean": the
    expectation under a random order, so a rank may end in .5) or all of them ("pessimistic"):
    whoever scores everything alike earns nothing by the order of the catalogue.
    Give candidates that are out of the question, such as items seen in training, a score of -inf.

    Shapes:  scores: (N, M) float;  relevant: (N,) or (N, P) distinct column numbers, filled up
    with -1 where a query has fewer than P; the rank is infinite there.
    Cost: O(N M log P) time, O(N M) memory.
    Raises: ValueError: shapes or column numbers are unfit, a score is NaN or +inf, or that of a
    relevant candidate is -inf.
    """
    relevant = relevant[:, None] if relevant.ndim == 1 else relevant
    check(scores, relevant)
    if relevant.shape[1] == 1:
        return _ranks_of_one(scores, relevant, ties)
    absent = relevant < 0
    # One more column, out of the question, stands for every absent candidate.
    scores = pad(scores, (0, 1), value=-torch.inf)
    columns = relevant.masked_fill(absent, scores.shape[1] - 1)
    found, order = scores.gather(1, columns).sort(1, descending=True)
    if found.isneginf().sum() > absent.sum():
        raise ValueError("a relevant candidate has the score -inf, which excludes it")
    others = -scores.scatter(1, columns, -torch.inf)  # (N, M + 1) the irrelevant, ascending now
    above = count_up_to(torch.searchsorted(-found, others, right=True), found.shape[1])
    level = count_up_to(torch.searchsorted(-found, others), found.shape[1])
    place = torch.arange(1, found.shape[1] + 1, device=scores.device)
    rank = place + above + (level - above) * {"mean": 0.5, "pessimistic": 1.0}[ties]
    return rank.double().masked_fill(absent.gather(1, order), torch.inf)


def _ranks_of_one(scores: Tensor, relevant: Tensor, ties: Ties) -> Tensor:
    """`ranks` with one relevant candidate a query: two comparisons, and nothing is sorted."""
    absent = relevant < 0
    found = scores.gather(1, relevant.clamp(min=0)).masked_fill(absent, torch.inf)
    if found.isneginf().any():
        raise ValueError("a relevant candidate has the score -inf, which excludes it")
    above = (scores > found).sum(1, keepdim=True)
    level = (scores >= found).sum(1, keepdim=True) - above - 1
    rank = 1 + above + level * {"mean": 0.5, "pessimistic": 1.0}[ties]
    return rank.double().masked_fill(absent, torch.inf)


def count_up_to(places: Tensor, size: int) -> Tensor:
    """How many of each row's places are at most 0, 1, ..., size - 1: (N, M) to (N, size)."""
    histogram = torch.zeros(len(places), size + 1, dtype=torch.long, device=places.device)
    histogram.scatter_add_(1, places, torch.ones_like(places))
    return histogram[:, :size].cumsum(1)


def check(scores: Tensor, relevant: Tensor) -> None:
    """Raises: ValueError: see `ranks`."""
    if scores.ndim != 2 or relevant.ndim != 2 or len(scores) != len(relevant):
        raise ValueError(
            "scores (N, M) and relevant (N,) or (N, P) must have one N, got shapes "
            f"{tuple(scores.shape)} and {tuple(relevant.shape)}"
        )
    if relevant.numel() and int(relevant.max()) >= scores.shape[1]:
        raise ValueError(
            f"relevant names candidate {int(relevant.max())}, but there are {scores.shape[1]}"
        )
    if scores.isnan().any() or scores.isposinf().any():
        raise ValueError("scores must be finite or -inf, got NaN or +inf; did training diverge?")
    in_order = relevant.sort(1).values
    if ((in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)).any():
        raise ValueError("relevant names a candidate twice for one query")


def embedding_ranks(
    queries: Tensor,
    candidates: Tensor,
    relevant: Tensor,
    *,
    ties: Ties = "mean",
    chunk: int = 1024,
) -> Tensor:
    """`ranks` under the inner product, `chunk` queries at a time: O(chunk M) memory.

    Shapes:  queries: (N, D);  candidates: (M, D);  relevant: as for `ranks`.
    """
    parts = zip(queries.split(chunk), relevant.split(chunk), strict=True)
    return torch.cat([ranks(q @ candidates.T, wanted, ties) for q, wanted in parts])


def retrieval_scores(ranks: Tensor, k: Sequence[int] = (1, 5, 10, 20)) -> dict[str, float | None]:
    """Means over the queries, in 0..1: `hit/K`, `recall/K`, `ndcg/K` for each K, `mrr` and `map`.

    With P_i relevant candidates of query i at ranks r_1 < r_2 < ... (binary relevance):
    hit/K = 1 if r_1 <= K;   recall/K = #(r_j <= K) / P_i;   mrr = 1 / r_1;
    ndcg/K = sum_{r_j <= K} 1 / log2(1 + r_j), over its largest value, for min(P_i, K) candidates;
    map = mean_j j / r_j.    Queries without a relevant candidate are left out; with none left,
    all values are None.

    Shapes:  ranks: (N, P) as `ranks` gives them, infinite where absent; (N,) for P = 1.
    """
    ranks = ranks[:, None] if ranks.ndim == 1 else ranks
    ranks = ranks[ranks.isfinite().any(1)].double()
    size = ranks.isfinite().sum(1).double()  # (N,) P_i
    place = torch.arange(1, ranks.shape[1] + 1, device=ranks.device).double()
    gain = torch.where(ranks.isfinite(), 1 / (1 + ranks).log2(), 0)
    values = {}
    for cut in k:
        hits = ranks <= cut
        ideal = torch.where((place <= cut) & (place <= size[:, None]), 1 / (1 + place).log2(), 0)
        values[f"hit/{cut}"] = hits.any(1)
        values[f"recall/{cut}"] = hits.sum(1) / size
        values[f"ndcg/{cut}"] = (gain * hits).sum(1) / ideal.sum(1)
    values["mrr"] = 1 / ranks[:, 0]
    values["map"] = (place / ranks).sum(1) / size
    return {name: float(v.double().mean()) if len(v) else None for name, v in values.items()}
