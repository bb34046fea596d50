"""`contrast plugins`: what is installed, read from package metadata."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from contrast.cli.console import output, print_json, say
from contrast.cli.options import Json

if TYPE_CHECKING:
    from contrast.plugins import PluginInfo


def plugins(
    check: Annotated[
        bool, typer.Option("--check", help="Import each plugin and show what goes wrong.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the installed plugins, with version and paper."""
    from contrast.plugins import check as import_all
    from contrast.plugins import installed

    found = import_all() if check else [(info, info.problem) for info in installed()]
    if as_json:
        print_json([{**asdict(info), "problem": problem} for info, problem in found])
    elif found:
        _show([info for info, _ in found])
    else:
        say("no plugin is installed; try `pip install contrast-meow`")
    broken = [(info, problem) for info, problem in found if problem]
    for info, problem in broken:
        say(f"broken: {info.name} of {info.distribution} {info.version}\n{problem}")
    if check:
        say(f"{len(found) - len(broken)} of {len(found)} plugins can be used")
        raise typer.Exit(1 if broken else 0)


def _show(found: list[PluginInfo]) -> None:
    from rich import box
    from rich.table import Table

    table = Table("plugin", "version", "paper", "what it does", box=box.SIMPLE_HEAD, pad_edge=False)
    for info in found:
        table.add_row(info.name, info.version, info.paper, info.summary)
    output().print(table)
