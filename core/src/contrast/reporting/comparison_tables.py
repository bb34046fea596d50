"""The tables of a comparison, for the terminal and for its page alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from contrast.interfaces import Table
from contrast.reporting.comparison import Comparison, Group
from contrast.reporting.costs import peaks
from contrast.reporting.formats import show_bytes, show_duration, show_setting, show_spread
from contrast.reporting.records import Record
from contrast.reporting.summary import Spread, spread_of

MOST_COLUMNS = 6  # of groups or metrics beside each other
SPREAD = "Mean ± standard deviation (n − 1) over the runs of a group, which differ in their seed."
Column = tuple[str, dict[str, str | None]]


def result_tables(comparison: Comparison) -> list[Table]:
    """What every group found, with the figures of others beside.

    Metrics go down and groups across, or where there are many groups the other way round.
    """
    columns = [_found(group) for group in comparison.groups]
    others, sources = _of_others(comparison.groups)
    caption = " ".join([SPREAD, *sources] if comparison.runs > len(columns) else sources)
    metrics, every = comparison.metrics, [*columns, *others]
    if len(columns) <= MOST_COLUMNS:
        rows = [("runs", *(cells.get("runs") for _, cells in every))]
        rows += [(name, *(cells.get(name) for _, cells in every)) for name in metrics]
        heads = ("metric", *(label for label, _ in every))
        return [Table("Results", heads, tuple(rows), caption)]
    pieces = [metrics[i : i + MOST_COLUMNS] for i in range(0, len(metrics), MOST_COLUMNS)]
    return [
        Table(
            "Results" if number == 0 else "",
            ("group", "runs", *names),
            tuple((k, cells.get("runs"), *map(cells.get, names)) for k, cells in every),
            caption if number == len(pieces) - 1 else "",
        )
        for number, names in enumerate(pieces)
    ]


def settings_table(comparison: Comparison) -> Table | None:
    """The settings in which the groups differ; None for one group."""
    if not comparison.differing:
        return None
    rows = tuple(
        (key, *(_setting(group, key) for group in comparison.groups))
        for key in comparison.differing
    )
    return Table("Settings that differ", ("key", *(g.label for g in comparison.groups)), rows)


def costs_table(comparison: Comparison) -> Table:
    """What a run of each group took: steps, time, the most memory of any."""
    rows = []
    for group in comparison.groups:
        steps = spread_of(float(_steps(record)) for record in group.records)
        spent = spread_of(_seconds(record) for record in group.records)
        most = peaks(line for record in group.records for line in _lines(record))
        memory = ", ".join(f"{show_bytes(n)} ({device})" for device, n in most.items())
        each = spent.mean / steps.mean if steps.mean and spent.mean is not None else None
        shown = (_whole(steps), show_duration(spent.mean), show_duration(each))
        rows.append((group.label, *shown, memory or None))
    heads = ("group", "steps", "training", "a step", "peak memory")
    return Table("", heads, tuple(rows), "Means over the runs; memory: the most of any of them.")


def runs_table(comparison: Comparison) -> Table:
    """Every run with its seed and what it found."""
    names = comparison.metrics
    rows = tuple(
        (group.label, record.folder.name, seed, *map(found.get, names))
        for group in comparison.groups
        for record, seed, found in zip(group.records, group.seeds, group.metrics, strict=True)
    )
    return Table("", ("group", "run", "seed", *names), rows)


def _found(group: Group) -> Column:
    cells = {name: show_spread(s.mean, s.std) for name, s in group.spreads.items()}
    return group.label, {"runs": str(len(group.records)), **cells}


def _of_others(groups: tuple[Group, ...]) -> tuple[list[Column], list[str]]:
    """A column for each source of figures, and a sentence for each that says whose they are.

    A source that gives two groups different figures for one metric has a column for each group.
    """
    columns: dict[tuple[str, str], dict[str, str | None]] = {}
    for source in dict.fromkeys(r.source for group in groups for r in group.references):
        by_group = {
            group.label: {
                r.metric: show_spread(r.value, r.spread)
                for r in group.references
                if r.source == source
            }
            for group in groups
        }
        given = {label: cells for label, cells in by_group.items() if cells}
        if _agree(given.values()):
            columns[source, ""] = {k: v for cells in given.values() for k, v in cells.items()}
        else:
            columns |= {(source, label): cells for label, cells in given.items()}
    names = [f"reference {i + 1}" if len(columns) > 1 else "reference" for i in range(len(columns))]
    sentences = [
        f"{name.capitalize()}{f', for {label}' if label else ''}: {source}."
        for name, (source, label) in zip(names, columns, strict=True)
    ]
    return list(zip(names, columns.values(), strict=True)), sentences


def _agree(given: Iterable[dict[str, str | None]]) -> bool:
    """Whether no two of them say different things of one metric."""
    known: dict[str, str | None] = {}
    return all(known.setdefault(k, v) == v for cells in given for k, v in cells.items())


def _setting(group: Group, key: str) -> str | None:
    return show_setting(group.settings[key]) if key in group.settings else None


def _whole(steps: Spread) -> str:
    return f"{steps.mean:,.0f}" + (f" ± {steps.std:.0f}" if steps.std else "")


def _steps(record: Record) -> int:
    last: dict[str, int] = {}
    for line in record.metrics:
        last[line["stage"]] = max(line["step"] + 1, last.get(line["stage"], 0))
    return sum(last.values())


def _seconds(record: Record) -> float | None:
    return sum(line["seconds"] for line in record.times) if record.times else None


def _lines(record: Record) -> list[dict[str, Any]]:
    return [*record.times, *record.run.get("evaluated", {}).values()]
