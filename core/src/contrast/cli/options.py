"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.", show_default=False)]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port of this machine; 0: a free one.")]
Json = Annotated[bool, typer.Option("--json", help="Print for programs, as JSON.")]
Observers = Annotated[
    list[str] | None,
    typer.Option("--observer", metavar="NAME", help="Add an installed observer of runs."),
]
