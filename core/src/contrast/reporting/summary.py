"""Tables made of metrics: over several runs, and beside the figures of others."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean, stdev
from typing import NamedTuple

from contrast.interfaces import Evaluation, Table
from contrast.reporting.formats import show_spread


class Spread(NamedTuple):
    """A metric over several runs; the deviation is that of a sample (n - 1)."""

    mean: float | None
    std: float | None
    min: float | None
    max: float | None
    n: int


def spread_of(values: Iterable[float | None]) -> Spread:
    """The spread of the values that are defined; `std` is None where there is only one."""
    known = [value for value in values if value is not None]
    if not known:
        return Spread(None, None, None, None, 0)
    std = stdev(known) if len(known) > 1 else None
    return Spread(fmean(known), std, min(known), max(known), len(known))


def summarise(rows: list[dict[str, float | None]], title: str = "Over all runs") -> Table:
    """Mean, standard deviation, minimum, maximum and count of each metric over the runs.

    The deviation is that of a sample (n - 1), None for a single run. Runs in which a metric is
    missing or None are skipped for it, and the caption says so.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    lines, gaps = [], []
    for name in names:
        found = spread_of(row.get(name) for row in rows)
        if found.n < len(rows):
            gaps.append(f"{name} ({len(rows) - found.n} of {len(rows)})")
        lines.append((name, *found))
    caption = f"Runs without a value are left out: {', '.join(gaps)}." if gaps else ""
    return Table(title, ("metric", "mean", "std", "min", "max", "n"), tuple(lines), caption)


def reference_tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """What was found beside the figures of others; none where there are no such figures."""
    if not evaluation.references:
        return ()
    rows = []
    for each in evaluation.references:
        found = evaluation.metrics.get(each.metric)
        digits = 2 if abs(each.value) >= 1 else 4
        gap = None if found is None else f"{found - each.value:+.{digits}f}"
        rows.append((each.metric, found, show_spread(each.value, each.spread), gap, each.source))
    columns = ("metric", "this run", "reference", "difference", "who measured it")
    title, sources = "Beside the figures of others", {row[-1] for row in rows}
    if len(sources) > 1:
        return (Table(title, columns, tuple(rows)),)
    shorter = tuple(row[:-1] for row in rows)
    return (Table(title, columns[:-1], shorter, f"Reference: {sources.pop()}."),)
