"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _free(port: int) -> int:
    """The port, which an app asks for before it loads anything."""
    from contrast.reporting.serving import require_free

    require_free(port)
    return port


Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]
Port = Annotated[
    int,
    typer.Option(min=0, max=65535, callback=_free, help="Port of this machine; 0: a free one."),
]
Json = Annotated[bool, typer.Option("--json", help="Print for programs, as JSON.")]
Observers = Annotated[
    list[str] | None,
    typer.Option("--observer", metavar="NAME", help="Add an installed observer of runs."),
]
