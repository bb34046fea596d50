"""`contrast embed RUN [NEW_DATA] --out FILE`: embeddings with ids, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import say
from contrast.cli.options import Run
from contrast.errors import DataError, listing

FORMATS = (".parquet", ".npz")


def embed(
    run: Run,
    new_data: Annotated[
        Path | None,
        typer.Argument(metavar="[NEW_DATA]", help="Default: the run's own.", show_default=False),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="A new .parquet or .npz file.")
    ] = Path("embeddings.parquet"),
) -> None:
    """Write embeddings with ids, to Parquet or NPZ."""
    if out.suffix not in FORMATS:  # told before the work, not after it
        raise DataError(f"`--out` must end in {listing(FORMATS)}, got {out.name!r}")
    if out.exists():
        raise DataError(f"{out} exists and is not overwritten; remove it or choose another name")
    from contrast import api
    from contrast.data.tables import write_embeddings

    found = api.embed(run, new_data)
    write_embeddings(out, found.ids, found.arrays)
    widths = ", ".join(f"{name} of {array.shape[1]}" for name, array in found.arrays.items())
    say(f"{len(found.ids)} rows: {widths}")
    typer.echo(out)
