"""The sections of a run's report: each a function of the run's record, in the order of the page.

A section whose source is missing says so in a sentence; one that has nothing to say is None.
A part of `contrast` adds a section by adding a function to `SECTIONS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contrast.evaluation.geometry import geometry_scores
from contrast.interfaces import Evaluation, Map, Table
from contrast.reporting import figures
from contrast.reporting.formats import show_duration
from contrast.reporting.projection import project
from contrast.reporting.records import Record
from contrast.reporting.terminal import metrics_table

WHERE = ("stage", "step", "epoch")
LARGEST_GEOMETRY = 20_000  # rows: the uniformity of more takes minutes


@dataclass(frozen=True)
class Figure:
    """A drawing as an `<svg>` element; `name` is its file's name, `wide` asks for a whole row."""

    name: str
    title: str
    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """A part of the report: figures, tables, then sentences; `folded` tables open on a click."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False


def results(record: Record) -> Section | None:
    """The tables and the notes of every stage's evaluation."""
    if not record.evaluations:
        return Section("Results", ("This run has not been evaluated.",))
    several = len(record.evaluations) > 1
    tables, text = [], []
    for stage, evaluation in record.evaluations.items():
        prefix = f"{stage}: " if several else ""
        tables += [
            Table(prefix + t.title, t.columns, t.rows, t.caption)
            for t in evaluation.tables or metrics_table(evaluation)
        ]
        text += [prefix + note for note in evaluation.notes]
    return Section("Results", tuple(text), tables=tuple(tables))


def learning_curves(record: Record) -> Section | None:
    """One panel per term of the loss and per validated metric, over the steps."""
    if not record.metrics:
        return Section("Learning curves", ("No step has been recorded in `metrics.jsonl`.",))
    panels = []
    for stage, lines in _by_stage(record.metrics).items():
        prefix = f"{stage}: " if len({line.get("stage") for line in record.metrics}) > 1 else ""
        for title, series in {**_terms(lines), **_validated(lines)}.items():
            name = _slug(f"curve {stage} {title}")
            panels.append(Figure(name, prefix + title, figures.curves(series, name=name)))
    return Section("Learning curves", figures=tuple(panels))


def embedding_maps(record: Record) -> Section | None:
    """Every map of the evaluations, in two dimensions, coloured by label."""
    maps = _maps(record)
    drawn = [_draw(m, _slug(f"map {stage} {i}"), len(maps) == 1) for stage, i, m in maps]
    return Section("Embedding", figures=tuple(drawn)) if drawn else None


def geometry(record: Record) -> Section | None:
    """The geometry of every mapped embedding."""
    rows, text, names = [], [], None
    for _, _, drawn in _maps(record):
        if len(drawn.z) > LARGEST_GEOMETRY:
            text.append(f"{drawn.title}: left out, it has more than {LARGEST_GEOMETRY:,} rows.")
            continue
        found = geometry_scores(drawn.z)
        names = tuple(name.replace("_", " ") for name in found)
        rows.append((drawn.title, *drawn.z.shape, *found.values()))
    if not rows and not text:
        return None
    caption = (
        "Uniformity: lower is more even. Effective rank: how many directions are used. "
        "Mean cosine near 1: collapse."
    )
    tables = (Table("", ("embedding", "rows", "width", *(names or ())), tuple(rows), caption),)
    return Section("Geometry", tuple(text), tables=tables if rows else ())


def hardness(record: Record) -> Section | None:
    """How hard the negatives of each stage's last batch are, and what the gradient makes of it."""
    drawn, tables = [], []
    for stage, found in record.diagnoses.items():
        groups = {"positives": found.positives, "negatives": found.negatives}
        name = _slug(f"similarities {stage}")
        drawn.append(Figure(name, stage, figures.similarities(groups, name=name)))
        rows = tuple((what, *values) for what, values in found.spreads.items())
        whose = "assumed here" if found.assumed else "the objective's"
        caption = (
            f"The last batch, in evaluation mode, as InfoNCE one way weighs it at temperature "
            f"{found.temperature:.3g} ({whose}). The fewer negatives carry the gradient, the more "
            "it is the hardest that do; where all do, hardness does not matter."
        )
        columns = ("of each anchor", "mean", "10 %", "median", "90 %")
        tables.append(Table(stage, columns, rows, caption))
        tables.append(Table("", ("of the batch", "value"), tuple(found.numbers.items())))
    if not drawn:
        return None
    return Section("Hardness of the negatives", figures=tuple(drawn), tables=tuple(tables))


def time_split(record: Record) -> Section | None:
    """Where the time of training went, by stage."""
    if not record.times:
        return Section("Time", ("No times have been recorded in `times.jsonl`.",))
    rows, bars = [], []
    for stage, lines in _by_stage(record.times).items():
        total, parts = sum(line["seconds"] for line in lines), defaultdict(float)
        for line in lines:
            for name, seconds in line.get("split", {}).items():
                parts[name] += seconds
        parts["other"] = max(0.0, total - sum(parts.values()))
        steps = 1 + max(line["step"] for line in lines)
        rows.append((stage, steps, show_duration(total), show_duration(total / steps)))
        if total > 0 and len(parts) > 1:
            name = _slug(f"time {stage}")
            bars.append(Figure(name, stage, figures.shares(parts, name=name)))
    table = Table("", ("stage", "steps", "training", "per step"), tuple(rows))
    return Section("Time", figures=tuple(bars), tables=(table,))


def configuration(record: Record) -> Section | None:
    """Every effective value with its origin."""
    if not record.config:
        return Section("Configuration", ("The run folder holds no `config.json`.",))
    rows = tuple((e["key"], _setting(e["value"]), e["origin"]) for e in record.config)
    table = Table("", ("key", "value", "origin"), rows)
    return Section("Configuration", tables=(table,), folded=True)


def versions(record: Record) -> Section | None:
    """What the run was made with."""
    rows = tuple((name, str(value)) for name, value in record.run.get("versions", {}).items())
    if not rows:
        return None
    return Section("Versions", tables=(Table("", ("what", "version"), rows),), folded=True)


SECTIONS: list[Callable[[Record], Section | None]] = [
    results,
    learning_curves,
    embedding_maps,
    geometry,
    hardness,
    time_split,
    configuration,
    versions,
]


def _by_stage(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    stages = defaultdict(list)
    for line in lines:
        stages[line.get("stage", "train")].append(line)
    return stages


def _terms(lines: list[dict[str, Any]]) -> dict[str, dict[str, figures.Curve]]:
    """The numbers of the steps, one panel each."""
    found = defaultdict(lambda: ([], []))
    for line in lines:
        for name, value in line.items():
            if name not in WHERE and isinstance(value, (int, float)):
                found[name][0].append(line["step"])
                found[name][1].append(value)
    return {name: {name: curve} for name, curve in found.items()}


def _validated(lines: list[dict[str, Any]]) -> dict[str, dict[str, figures.Curve]]:
    """The validated metrics: those named `what/where` share the panel `what`."""
    found = defaultdict(lambda: defaultdict(lambda: ([], [])))
    for line in lines:
        for name, value in line.get("validation", {}).items():
            if value is not None:
                what, _, where = name.partition("/")
                found[f"{what} (validated)"][where or what][0].append(line["step"])
                found[f"{what} (validated)"][where or what][1].append(value)
    return found


def _maps(record: Record) -> list[tuple[str, int, Map]]:
    pairs: list[tuple[str, Evaluation]] = list(record.evaluations.items())
    return [(stage, i, m) for stage, found in pairs for i, m in enumerate(found.maps)]


def _draw(drawn: Map, name: str, wide: bool) -> Figure:
    points, how = project(drawn.z)
    svg = figures.embedding_map(points, drawn.labels, drawn.ids, name=name)
    return Figure(name, drawn.title, svg, f"{len(drawn.z):,} rows. {how}", wide)


def _setting(value: Any) -> str:
    """A configured value as it would be written on the command line."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(_setting, value)) or "[]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in text.lower())
