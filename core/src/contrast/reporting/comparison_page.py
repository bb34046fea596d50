"""The page of a comparison: one HTML file that opens offline, with overlaid curves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from contrast.errors import DataError
from contrast.reporting import figures
from contrast.reporting.comparison import Comparison
from contrast.reporting.comparison_tables import (
    costs_table,
    result_tables,
    runs_table,
    settings_table,
)
from contrast.reporting.pages import Figure, Section, environment, render, slug
from contrast.reporting.sections import panels

TEMPLATE = "comparison.html.jinja"
NAME = "comparison.html"
STROKE = "A dot is a run, a stroke the mean of its group."
FAINT = "Strong: the mean of a group, as far as all its runs go. Faint: the runs."


def write_comparison(comparison: Comparison, path: Path) -> Path:
    """Write the page into a new file.

    Raises: DataError: the file exists or cannot be written, or its name does not end in .html.
    """
    check_new_page(path)
    shown = [_results(comparison), _strips(comparison), _curves(comparison), *_tables(comparison)]
    page = render(
        TEMPLATE,
        [section for section in shown if section is not None],
        groups=len(comparison.groups),
        runs=comparison.runs,
        notes=comparison.notes,
        of=_of(comparison),
    )
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(
            f"cannot write {path}: {reason}; choose another place with `--out`"
        ) from None
    return path


def check_new_page(path: Path) -> None:
    """Refuse a file that exists, is no page or has no folder to lie in, before any work.

    Raises: DataError: it is one of these.
    """
    if path.suffix not in (".html", ".htm"):
        raise DataError(f"`--out` must end in `.html`, got {path.name!r}")
    if os.path.lexists(path):  # a link that leads nowhere is in the way too
        raise DataError(f"{path} exists and is not overwritten; remove it or choose another name")
    if not os.path.isdir(path.parent):  # unlike Path.is_dir, false where one may not look
        raise DataError(
            f"cannot write {path}: {path.parent} is no folder; make it, or choose another place "
            "with `--out`"
        )


def free_page(folder: Path) -> Path:
    """`comparison.html` in a folder, or `comparison-2.html`, -3, ... where that is taken."""
    path, attempt = folder / NAME, 1
    while os.path.lexists(path):
        attempt += 1
        path = folder / NAME.replace(".", f"-{attempt}.")
    return path


def _results(comparison: Comparison) -> Section:
    if not comparison.metrics:
        return Section("Results", ("None of the runs has been evaluated.",))
    tables = (replace(table, title="") for table in result_tables(comparison))
    return Section("Results", tables=tuple(tables))


def _strips(comparison: Comparison) -> Section | None:
    """Every run as a dot, a panel for each metric that two runs have."""
    drawn = []
    for metric in comparison.metrics:
        values = {
            group.label: [v for row in group.metrics if (v := row.get(metric)) is not None]
            for group in comparison.groups
        }
        if sum(map(len, values.values())) > 1:
            name = slug(f"strip {metric}")
            drawn.append(Figure(name, metric, figures.strips(values, name=name)))
    return Section("Every run", (STROKE,), figures=tuple(drawn)) if drawn else None


def _curves(comparison: Comparison) -> Section | None:
    """A panel for each number of the steps and each validated metric, the groups overlaid."""
    found = {
        group.label: [panels(record) for record in group.records] for group in comparison.groups
    }
    titles = dict.fromkeys(
        title for several in found.values() for each in several for title in each
    )
    if not titles:
        return None
    key = [(f"series-{i % len(figures.PALETTE)}", figures.look(i)[1]) for i in range(len(found))]
    template = environment().get_template("key.html.jinja")
    legend = Markup(template.render(key=zip(found, key, strict=True)))
    drawn = [Figure("key", "", "", wide=True, page=legend)]
    for title in titles:
        groups = {k: [each[title] for each in v if title in each] for k, v in found.items()}
        name = slug(f"curve {title}")
        drawn.append(Figure(name, title, figures.overlay(groups, name=name)))
    several = comparison.runs > len(comparison.groups)
    return Section("Learning curves", (FAINT,) if several else (), figures=tuple(drawn))


def _tables(comparison: Comparison) -> list[Section]:
    settings = settings_table(comparison)
    one = ("The runs differ in their seed alone.",)
    untitled = () if settings is None else (replace(settings, title=""),)
    return [
        Section("Settings that differ", () if untitled else one, tables=untitled),
        Section("Cost", tables=(costs_table(comparison),)),
        Section("Runs", tables=(runs_table(comparison),), folded=True),
    ]


def _of(comparison: Comparison) -> str:
    """What was compared: the words that all runs share."""
    alike = [{group.settings.get(key) for group in comparison.groups} for key in ("method", "data")]
    return " on ".join(str(next(iter(values))) for values in alike if len(values) == 1)
