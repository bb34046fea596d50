"""`contrast run --dry-run`: every effective value with its origin, parameters, one batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from contrast.cli.console import output, print_json, say
from contrast.config import Resolved, write

if TYPE_CHECKING:
    from contrast.api import DryRun


def show_dry_run(resolved: Resolved, *, as_json: bool) -> None:
    """Print the configuration, the number of parameters and the shapes of a batch."""
    for note in resolved.notes:
        say(note)
    if not as_json:
        output().print(_values(resolved))
    from contrast import api

    found = api.dry_run(resolved)
    if as_json:
        batch = [{"name": n, "shape": list(shape), "dtype": d} for n, shape, d in found.batch]
        print_json(
            {
                "configuration": resolved.to_json(),
                "notes": resolved.notes,
                "parameters": found.parameters,
                "batch": batch,
            }
        )
        return
    output().print(_batch(found))
    output().print(f"{found.parameters:,} trainable parameters")


def _values(resolved: Resolved) -> Table:
    table = Table("key", "value", "origin", box=box.SIMPLE_HEAD, pad_edge=False)
    for entry in resolved.entries:
        style = "dim" if entry.origin == "default" else ""
        value = Text(write(entry.value))  # a list in brackets is no markup
        table.add_row(entry.key, value, entry.origin, style=style)
    return table


def _batch(found: DryRun) -> Table:
    table = Table("one batch", "shape", "type", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, shape, dtype in found.batch:
        table.add_row(name, str(tuple(shape)), dtype)
    return table
