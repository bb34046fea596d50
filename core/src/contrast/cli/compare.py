"""`contrast compare RUN RUN...`: runs side by side, with spread over seeds and overlaid curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contrast.cli.console import output, print_json, say
from contrast.cli.options import Json

if TYPE_CHECKING:
    from contrast.reporting.comparison import Comparison


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Run folders, or folders of runs.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="A new .html file. Default: comparison.html here.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Set runs side by side: mean and spread over seeds, settings that differ, curves."""
    from contrast.reporting.comparison import compare_runs
    from contrast.reporting.comparison_page import check_new_page, free_page, write_comparison

    if out is not None:
        check_new_page(out)  # told before the work, not after it
    found = compare_runs(runs)
    page = write_comparison(found, out or free_page(Path()))
    if as_json:
        print_json(_for_programs(found, page))
    else:
        _show(found)
    for note in found.notes:
        say(note)
    say(f"comparison: {page}")


def _show(comparison: Comparison) -> None:
    from contrast.reporting.comparison_tables import result_tables, settings_table
    from contrast.reporting.terminal import rich_table

    for table in (settings_table(comparison), *result_tables(comparison)):
        if table is not None:
            output().print(rich_table(table))


def _for_programs(comparison: Comparison, page: Path) -> dict[str, Any]:
    return {
        "page": str(page),
        "differing": comparison.differing,
        "groups": [
            {
                "label": group.label,
                "settings": {key: group.settings.get(key) for key in comparison.differing},
                "runs": [str(record.folder) for record in group.records],
                "seeds": group.seeds,
                "metrics": {name: spread._asdict() for name, spread in group.spreads.items()},
                "references": [vars(reference) for reference in group.references],
            }
            for group in comparison.groups
        ],
        "notes": list(comparison.notes),
    }
