"""The sections of a run's report: each a function of the run's record, in the order of the page.

A section whose source is missing says so in a sentence; one that has nothing to say is None.
A part of `contrast` adds a section by adding a function to `SECTIONS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from contrast.evaluation.geometry import geometry_scores
from contrast.interfaces import Evaluation, Map, Table
from contrast.reporting import figures
from contrast.reporting.costs import costs
from contrast.reporting.formats import show_setting
from contrast.reporting.pages import Figure, Section, slug
from contrast.reporting.projection import project
from contrast.reporting.records import Record, by_stage
from contrast.reporting.scatter import MOST_POINTS, interactive_map
from contrast.reporting.summary import reference_tables
from contrast.reporting.terminal import metrics_table

WHERE = ("stage", "step", "epoch")
HOW_TO = "Point for names; Ctrl and the wheel, or + and −, bring it nearer; drag to move."
HEIGHTS = "In percent of each, to its own height."
CARRIED = "The last says which similarities the negatives have that carry the gradient."
GEOMETRY = (
    "alignment", "uniformity", "effective_rank", "mean_cosine", "norm_mean", "norm_std",
)  # fmt: skip
GEOMETRY_CAPTION = (
    "Alignment: mean squared distance of positives at unit length, 0 is best; known of pairs only. "
    "Uniformity: lower is more even. Effective rank: how many directions are used. "
    "Mean cosine near 1: collapse."
)
LARGEST_GEOMETRY = 20_000  # rows: the uniformity of more takes minutes


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
            for t in (
                *(evaluation.tables or metrics_table(evaluation)),
                *reference_tables(evaluation),
            )
        ]
        text += [prefix + note for note in evaluation.notes]
    return Section("Results", tuple(text), tables=tuple(tables))


def learning_curves(record: Record) -> Section | None:
    """One panel per term of the loss and per validated metric, over the steps."""
    if not record.metrics:
        return Section("Learning curves", ("No step has been recorded in `metrics.jsonl`.",))
    panels = []
    for stage, lines in by_stage(record.metrics).items():
        prefix = f"{stage}: " if len({line.get("stage") for line in record.metrics}) > 1 else ""
        for title, series in {**_terms(lines), **_validated(lines)}.items():
            name = slug(f"curve {stage} {title}")
            panels.append(Figure(name, prefix + title, figures.curves(series, name=name)))
    return Section("Learning curves", figures=tuple(panels))


def drawings(record: Record) -> Section | None:
    """The pictures of every stage's evaluation."""
    drawn = [
        Figure(slug(f"drawing {stage} {i}"), each.title, each.svg, each.caption, each.wide)
        for stage, found in record.evaluations.items()
        for i, each in enumerate(found.drawings)
    ]
    return Section("Pictures", figures=tuple(drawn)) if drawn else None


def embedding_maps(record: Record) -> Section | None:
    """Every map of the evaluations, in two dimensions, coloured by label."""
    maps = _maps(record)
    drawn = [_draw(m, slug(f"map {stage} {i}")) for stage, i, m in maps]
    return Section("Embedding", figures=tuple(drawn)) if drawn else None


def geometry(record: Record) -> Section | None:
    """The geometry of every mapped embedding, and of every stage's last batch of pairs."""
    rows, text = [], []
    for _, _, drawn in _maps(record):
        if len(drawn.z) > LARGEST_GEOMETRY:
            text.append(f"{drawn.title}: left out, it has more than {LARGEST_GEOMETRY:,} rows.")
            continue
        found = geometry_scores(drawn.z)
        rows.append((drawn.title, *drawn.z.shape, *(found.get(name) for name in GEOMETRY)))
    for stage, diagnosis in record.diagnoses.items():
        numbers = diagnosis.numbers
        found = {name: numbers.get(name.replace("_", " ")) for name in GEOMETRY}
        rows.append((f"{stage}: last batch", numbers.get("anchors"), None, *found.values()))
    if not rows and not text:
        return None
    heads = ("of", "rows", "width", *(name.replace("_", " ") for name in GEOMETRY))
    tables = (Table("", heads, tuple(rows), GEOMETRY_CAPTION),) if rows else ()
    return Section("Geometry", tuple(text), tables=tables)


def hardness(record: Record) -> Section | None:
    """How hard the negatives of each stage's last batch are, and what the gradient makes of it."""
    drawn, tables = [], []
    for stage, found in record.diagnoses.items():
        groups = {"positives": found.positives, "negatives": found.negatives}
        groups |= {"gradient, by negative": found.carried} if found.carried else {}
        name = slug(f"similarities {stage}")
        svg = figures.similarities(groups, name=name)
        caption = f"{HEIGHTS} {CARRIED}" if found.carried else HEIGHTS
        drawn.append(Figure(name, f"{stage}: similarities", svg, caption))
        rows = tuple((what, *values) for what, values in found.spreads.items())
        whose = "assumed here" if found.assumed else "the objective's"
        caption = (
            f"The last batch, in evaluation mode, as InfoNCE one way weighs it at temperature "
            f"{found.temperature:.3g} ({whose}). The fewer negatives carry the gradient, the more "
            "it is the hardest that do; where all do, hardness does not matter."
        )
        columns = ("of each anchor", "mean", "10 %", "median", "90 %")
        tables.append(Table(stage, columns, rows, caption))
        counts = (
            (name, number)
            for name, number in found.numbers.items()
            if number is not None and name.replace(" ", "_") not in GEOMETRY
        )
        tables.append(Table("", ("of the batch", "value"), tuple(counts)))
    if not drawn:
        return None
    return Section("Hardness of the negatives", figures=tuple(drawn), tables=tuple(tables))


def configuration(record: Record) -> Section | None:
    """Every effective value with its origin."""
    if not record.config:
        return Section("Configuration", ("The run folder holds no `config.json`.",))
    rows = tuple((e["key"], show_setting(e["value"]), e["origin"]) for e in record.config)
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
    drawings,
    learning_curves,
    embedding_maps,
    geometry,
    hardness,
    costs,
    configuration,
    versions,
]


def panels(record: Record) -> dict[str, figures.Curve]:
    """Every curve of a run by its title: the numbers of its steps, and its validated metrics."""
    found = {}
    stages = by_stage(record.metrics)
    for stage, lines in stages.items():
        prefix = f"{stage}: " if len(stages) > 1 else ""
        for title, series in _terms(lines).items():
            found[prefix + title] = series[title]
        for title, series in _validated(lines).items():
            what = title.removesuffix(" (validated)")
            for where, curve in series.items():
                full = what if where == what else f"{what}/{where}"
                found[f"{prefix}{full} (validated)"] = curve
    return found


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


def _draw(drawn: Map, name: str) -> Figure:
    points, how = project(drawn.z)
    svg = figures.embedding_map(points, drawn.labels, name=name)
    page = interactive_map(points, drawn.labels, drawn.ids, title=drawn.title)
    some = (
        f", of which {MOST_POINTS:,} drawn at random are shown" if len(points) > MOST_POINTS else ""
    )
    return Figure(name, drawn.title, svg, f"{len(points):,} rows{some}. {how} {HOW_TO}", True, page)
