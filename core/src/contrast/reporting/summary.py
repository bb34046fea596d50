"""Tables made of metrics: over several runs, and beside the figures of others."""

from __future__ import annotations

from statistics import fmean, stdev

from contrast.interfaces import Evaluation, Table
from contrast.reporting.formats import show_spread


def summarise(rows: list[dict[str, float | None]], title: str = "Over all runs") -> Table:
    """Mean, standard deviation, minimum, maximum and count of each metric over the runs.

    The deviation is that of a sample (n - 1), None for a single run. Runs in which a metric is
    missing or None are skipped for it, and the caption says so.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    lines, gaps = [], []
    for name in names:
        values = [row[name] for row in rows if row.get(name) is not None]
        if len(values) < len(rows):
            gaps.append(f"{name} ({len(rows) - len(values)} of {len(rows)})")
        lines.append((name, *_statistics(values), len(values)))
    caption = f"Runs without a value are left out: {', '.join(gaps)}." if gaps else ""
    return Table(title, ("metric", "mean", "std", "min", "max", "n"), tuple(lines), caption)


def reference_tables(evaluation: Evaluation) -> tuple[Table, ...]:
    """What was found beside the figures of others; none where there are no such figures."""
    if not evaluation.references:
        return ()
    rows = []
    for each in evaluation.references:
        found = evaluation.metrics.get(each.metric)
        gap = None if found is None else f"{found - each.value:+.2f}"
        rows.append((each.metric, found, show_spread(each.value, each.spread), gap, each.source))
    columns = ("metric", "this run", "reference", "difference", "who measured it")
    return (Table("Beside the figures of others", columns, tuple(rows)),)


def _statistics(values: list[float]) -> tuple[float | None, ...]:
    if not values:
        return (None, None, None, None)
    return (fmean(values), stdev(values) if len(values) > 1 else None, min(values), max(values))
