"""The orderings that papers publish, and what paired runs say of each (see learning_check.py).

The list was written before the runs were looked at. A difference is taken within each seed; its
95 % interval is Student's t over the seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any, NamedTuple

from scipy.stats import t as student

CONFIDENCE = 0.95
BEST = "best without labels"


class Cell(NamedTuple):
    """One column of the grid, over its seeds."""

    loss: str
    views: int
    batch: int


@dataclass(frozen=True)
class Ordering:
    """A published claim that `more` exceeds `less`, each the difference of a pair or one cell."""

    claim: str
    source: str
    where: str
    more: tuple[Cell, ...]
    less: tuple[Cell, ...]


@dataclass(frozen=True)
class Difference:
    """A paired difference in points: its mean, half of its interval, and in how many seeds > 0."""

    mean: float
    half: float
    positive: int
    seeds: int

    @property
    def verdict(self) -> str:
        """What the interval says of the claim."""
        if self.mean - self.half > 0:
            return "**comes back**"
        return "reversed" if self.mean + self.half < 0 else "not separated"


Accuracies = Mapping[Cell, Mapping[int, float]]


def accuracies(lines: Iterable[Mapping[str, Any]]) -> Accuracies:
    """Accuracy by cell and seed, with the best of the losses without labels as one more loss."""
    found: dict[Cell, dict[int, float]] = {}
    for line in lines:
        cell = Cell(line["loss"], line["views"], line["batch"])
        found.setdefault(cell, {})[line["seed"]] = line["accuracy"]
    for cell, seeds in list(found.items()):
        if cell.views and cell.loss != "SupCon":
            best = found.setdefault(cell._replace(loss=BEST), {})
            best |= {seed: max(value, best.get(seed, 0.0)) for seed, value in seeds.items()}
    return found


def orderings(losses: Sequence[str]) -> list[Ordering]:
    """All published orderings that the grid can answer."""
    return [*_small_batches(), *_decoupling(), *_several_views(losses), *_the_rest()]


def _over(claim: str, source: str, more: str, less: str, views: int, batch: int) -> Ordering:
    where = f"{views} views, batch {batch}"
    return Ordering(claim, source, where, (Cell(more, views, batch),), (Cell(less, views, batch),))


def _small_batches() -> list[Ordering]:
    dcl, sog = "arXiv:2110.06848", "arXiv:2202.12387"
    nt_xent = Cell("NT-Xent 0.1", 2, 256), Cell("NT-Xent 0.1", 2, 32)
    claims = [_over("DCL over NT-Xent 0.1", dcl, "DCL", "NT-Xent 0.1", 2, b) for b in (32, 256)]
    claims += [
        Ordering(
            "DCL's lead is larger in small batches",
            dcl,
            "2 views, 32 against 256",
            (Cell("DCL", 2, 32), nt_xent[1]),
            (Cell("DCL", 2, 256), nt_xent[0]),
        ),
        Ordering(
            "NT-Xent 0.1 gains from a larger batch",
            dcl,
            "2 views, 256 against 32",
            nt_xent[:1],
            nt_xent[1:],
        ),
        _over("SogCLR over NT-Xent 0.1", sog, "SogCLR", "NT-Xent 0.1", 2, 32),
        Ordering(
            "SogCLR loses less than NT-Xent 0.1 in small batches",
            sog,
            "2 views, 256 to 32",
            nt_xent,
            (Cell("SogCLR", 2, 256), Cell("SogCLR", 2, 32)),
        ),
    ]
    isog = "arXiv:2305.11965"
    claims += [_over("iSogCLR over SogCLR", isog, "iSogCLR", "SogCLR", 2, b) for b in (32, 256)]
    return claims


def _decoupling() -> list[Ordering]:
    return [
        _over(f"DHEL over {less}", "arXiv:2405.18045", "DHEL", less, 2, batch)
        for less in ("NT-Xent 0.1", "NT-Xent 0.5")
        for batch in (32, 256)
    ]


def _several_views(losses: Sequence[str]) -> list[Ordering]:
    source, pairs = "arXiv:2507.06979", "NT-Xent 0.5"
    claims = [
        _over(f"{more} over the mean of {pairs} over pairs", source, more, pairs, 4, batch)
        for more in ("MV-InfoNCE", "MV-DHEL")
        for batch in (32, 256)
    ]
    claims += [_over(f"MV-DHEL over {pairs}", source, "MV-DHEL", pairs, 2, b) for b in (32, 256)]
    published = {"NT-Xent 0.5": source, "MV-DHEL": source, "CACR": "arXiv:2105.03746"}
    for loss in losses:
        for batch in (32, 256):
            where = f"{loss}, batch {batch}"
            cells = [(Cell(loss, views, batch),) for views in (4, 2)]
            claims.append(Ordering("4 views over 2", published.get(loss, "-"), where, *cells))
    return claims


def _the_rest() -> list[Ordering]:
    cacr, supcon = "arXiv:2105.03746", "arXiv:2004.11362"
    cells = [(views, batch) for views in (2, 4) for batch in (32, 256)]
    over_best = "SupCon over the best without labels"
    return [
        *(_over("CACR over NT-Xent 0.5", cacr, "CACR", "NT-Xent 0.5", *cell) for cell in cells),
        *(_over(over_best, supcon, "SupCon", BEST, *cell) for cell in cells),
    ]


def difference(found: Accuracies, ordering: Ordering) -> Difference:
    """What the runs say of a claim, over the seeds that have all of its cells.

    Raises: ValueError: fewer than two seeds have them.
    """
    cells = (*ordering.more, *ordering.less)
    seeds = sorted(set.intersection(*(set(found.get(cell, {})) for cell in cells)))
    if len(seeds) < 2:
        raise ValueError(f"`{ordering.claim}` needs two paired seeds or more, got {len(seeds)}")

    def side(cells: tuple[Cell, ...], seed: int) -> float:
        values = [found[cell][seed] for cell in cells]
        return values[0] - sum(values[1:])

    each = [side(ordering.more, seed) - side(ordering.less, seed) for seed in seeds]
    reach = float(student.ppf((1 + CONFIDENCE) / 2, len(seeds) - 1))
    half = reach * stdev(each) / len(seeds) ** 0.5
    return Difference(fmean(each), half, sum(value > 0 for value in each), len(seeds))


def table_of_accuracy(found: Accuracies, losses: Sequence[str]) -> str:
    """Accuracy of every cell, mean and standard deviation over seeds, as a Markdown table."""
    columns = [(views, batch) for views in (2, 4) for batch in (32, 256)]
    rows = ["| loss | " + " | ".join(f"{v} views, batch {b}" for v, b in columns) + " |"]
    rows.append("|---|" + "---|" * len(columns))
    for loss in losses:
        cells = (found.get(Cell(loss, *column), {}) for column in columns)
        rows.append(f"| {loss} | " + " | ".join(_spread(seeds.values()) for seeds in cells) + " |")
    return "\n".join(rows)


def table_of_orderings(found: Accuracies, claims: Iterable[Ordering]) -> str:
    """Each claim with its paired difference in points, as a Markdown table."""
    rows = ["| published | by | where | difference | seeds > 0 | |", "|---|---|---|---|---|---|"]
    for claim in claims:
        seen = difference(found, claim)
        rows.append(
            f"| {claim.claim} | {claim.source} | {claim.where} "
            f"| {seen.mean:+.2f} ± {seen.half:.2f} | {seen.positive} of {seen.seeds} "
            f"| {seen.verdict} |"
        )
    return "\n".join(rows)


def _spread(values: Iterable[float]) -> str:
    values = list(values)
    return f"{fmean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else "-"
