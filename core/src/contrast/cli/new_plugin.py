"""`contrast new-plugin NAME`: a package that passes its own tests, to be changed into a paper's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import say


def new_plugin(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Such as `tides`: plugin=tides.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="A new folder. Default: contrast-NAME here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a new plugin that runs and passes its own tests."""
    from contrast.scaffold import check_name, write_plugin

    check_name(name)
    folder = write_plugin(name, out)
    typer.echo(folder)
    say(f"next: pip install -e '{folder}[testing]'")
    say(f"next: pytest {folder}")
    say(f"next: contrast run plugin={name}")
