"""`contrast export RUN DIR`: the trained parts as safetensors, configuration and card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.options import Run


def export(
    run: Run,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder.", show_default=False)
    ],
) -> None:
    """Write weights, configuration and a card to a folder."""
    from contrast import api

    typer.echo(api.export(run, folder))
