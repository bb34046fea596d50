"""Full ranking: where among all items stands what followed, and what else a recommender does.

The rank counts the other items that score higher, and all that score alike: ties go against the
target, so that a constant scorer earns nothing. The items of a history stay in the ranking, as the
published protocol has it. Scores are formed and forgotten in strips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.evaluation.retrieval import ranks
from contrast.interfaces import Evaluation, Map, Parts, Table
from contrast_mclrec.log import Log

TIES = "Ranks are among all items, those of the history included; ties count against the target."
LENGTHS = (5, 10, 20, 50)  # upper ends of the spans of history length
MAPPED = 500  # items on the map


@dataclass(frozen=True)
class Ranked:
    """How the targets of N events rank, and the items ranked first.

    Shapes:  rank: (N,) from 1;  best: (N, k) item numbers, best first, or None.
    """

    rank: np.ndarray
    best: np.ndarray | None = None


def validate(parts: Parts, k: Sequence[int]) -> dict[str, float | None]:
    """The metrics of the validation's events."""
    return metrics(rank(parts, "valid").rank, k)


def evaluate(parts: Parts, k: Sequence[int]) -> Evaluation:
    """The metrics of the test's events, of the most popular items beside, and three tables."""
    data: Log = parts.data
    positions = data.split.test
    found = rank(parts, "test", best=min(max(k), data.catalogue))
    popular = popular_ranks(data, positions)
    accuracy, plain = metrics(found.rank, k), metrics(popular, k)
    beyond = spread(found.best, data, k)
    tables = (
        accuracy_table({"this model": accuracy, "most popular items": plain}, k),
        Table(
            "Beyond accuracy",
            ("k", "catalogue covered", "popularity of what is recommended"),
            tuple((cut, beyond[f"coverage/{cut}"], beyond[f"popularity/{cut}"]) for cut in k),
            "Coverage: share of the items that anybody is recommended. Popularity: mean share of "
            "the items that occur less often in training; 0.5 would be the typical item.",
        ),
        length_table(found.rank, positions, data, k),
    )
    others = {f"popular/{name}": value for name, value in plain.items()}
    notes = (f"Split by {data.split.sentence}.", TIES, *data.notes)
    return Evaluation(accuracy | beyond | others, tables, item_maps(parts), notes)


def rank(parts: Parts, split: str, best: int = 0) -> Ranked:
    """The rank of every target of a part, and if asked the `best` items of each history.

    Raises: ValueError: a score is not finite.
    """
    ranked, firsts = [], []
    for batch, strips in scored(parts, split):
        done = 0
        for strip in strips:
            own = batch.targets[done : done + len(strip)] - 1
            ranked.append(ranks(strip, own, "pessimistic"))
            done += len(strip)
            if best:
                firsts.append(strip.topk(best).indices + 1)
    found = torch.cat(ranked)[:, 0].cpu().numpy()
    return Ranked(found, torch.cat(firsts).cpu().numpy() if best else None)


def scored(parts: Parts, split: str) -> Iterator[tuple]:
    """Each batch of a part, on the encoder's device, with its scores in strips of rows."""
    first = next(parts.encoder.parameters())
    for batch in parts.sampler.sweep(split):
        moved = move(batch, first.device, first.dtype)
        yield moved, parts.encoder.scores(moved)


def metrics(rank: np.ndarray, k: Sequence[int]) -> dict[str, float | None]:
    """HR@k = mean [r <= k],  NDCG@k = mean [r <= k] / log2(r + 1),  MRR@k = mean [r <= k] / r.

    With one target an event HR is recall. Values in 0..1, None where there is no event.
    """
    if not len(rank):
        return {f"{name}/{cut}": None for name in ("hr", "ndcg", "mrr") for cut in k}
    gains = {"hr": np.ones(len(rank)), "ndcg": 1 / np.log2(rank + 1), "mrr": 1 / rank}
    return {
        f"{name}/{cut}": float((gain * (rank <= cut)).mean())
        for name, gain in gains.items()
        for cut in k
    }


def popular_ranks(data: Log, positions: np.ndarray) -> np.ndarray:
    """The ranks that popularity in training gives the targets, ties against them too."""
    counts = np.sort(data.popularity[1:])
    own = data.popularity[data.items[positions]]
    return len(counts) - np.searchsorted(counts, own, side="left")


def spread(best: np.ndarray, data: Log, k: Sequence[int]) -> dict[str, float | None]:
    """Coverage and mean popularity of the first k items of every history."""
    counts = data.popularity[1:]
    below = np.searchsorted(np.sort(counts), counts, side="left") / len(counts)
    found: dict[str, float | None] = {}
    for cut in k:
        chosen = best[:, :cut] - 1
        found[f"coverage/{cut}"] = float(len(np.unique(chosen)) / len(counts))
        found[f"popularity/{cut}"] = float(below[chosen].mean())
    return found


def accuracy_table(rows: dict[str, dict[str, float | None]], k: Sequence[int]) -> Table:
    """HR, NDCG and MRR of each row at each cut."""
    names = [f"{name}/{cut}" for name in ("hr", "ndcg", "mrr") for cut in k]
    return Table(
        "Next item, full ranking",
        ("what", *(name.upper().replace("/", "@") for name in names)),
        tuple((what, *(found[name] for name in names)) for what, found in rows.items()),
        TIES,
    )


def length_table(rank: np.ndarray, positions: np.ndarray, data: Log, k: Sequence[int]) -> Table:
    """The middle cut's HR and NDCG by how long the history is that is predicted from."""
    lengths, cut = positions - data.starts[data.owner(positions)], sorted(k)[len(k) // 2]
    span = np.searchsorted(LENGTHS, lengths)
    ends = (1, *(end + 1 for end in LENGTHS))
    rows = []
    for i, low in enumerate(ends):
        own = rank[span == i]
        if len(own):
            found = metrics(own, (cut,))
            name = f"{low} to {LENGTHS[i]}" if i < len(LENGTHS) else f"{low} and more"
            rows.append((name, len(own), found[f"hr/{cut}"], found[f"ndcg/{cut}"]))
    columns = ("items in the history", "events", f"HR@{cut}", f"NDCG@{cut}")
    return Table("By length of the history", columns, tuple(rows))


def item_maps(parts: Parts) -> tuple[Map, ...]:
    """The most frequent items by their embeddings, where the encoder has a table of them."""
    table: Tensor | None = getattr(parts.encoder, "table", None)
    if table is None:
        return ()
    data: Log = parts.data
    most = np.sort(data.popularity[1:].argsort(kind="stable")[::-1][:MAPPED])
    names = [data.title(data.item_ids[item]) for item in most]
    z = table[1:].detach().float().cpu().numpy()[most]
    title = f"The {len(most)} most frequent items, by their events in training"
    return (Map(title, z, data.popularity[1:][most], names),)
