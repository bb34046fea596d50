"""`contrast neighbours RUN NEW`: whom new samples are near to, by each space."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.options import Run
from contrast.errors import ConfigError, listing

AMONG = ("targets", "background", "all")
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def neighbours(
    run: Run,
    new: Annotated[
        Path,
        typer.Argument(metavar="NEW", help="An image, a folder of images, a volume or a table."),
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of each in each space.")] = 5,
    among: Annotated[
        str, typer.Option(help="Where to look: targets, background or all.")
    ] = "targets",
) -> None:
    """Find the nearest samples of a `sepclr` run by what is common and by what is salient.

    CSV on standard output: a line for each new sample, space and neighbour, nearest first.
    """
    if among not in AMONG:
        raise ConfigError(f"`--among` must be {listing(AMONG)}, got `{among}`")
    import pandas as pd

    from contrast_sepclr.analysis import Analysis

    analysis = Analysis.load(run)
    lines = [
        (sample.name, space, rank + 1, analysis.data.ids[near.row], near.distance)
        for sample in analysis.read(new)
        for space in ("common", "salient")
        for rank, near in enumerate(analysis.nearest(sample, space, k, among))
    ]
    columns = ["sample", "space", "rank", "neighbour", "distance"]
    typer.echo(pd.DataFrame(lines, columns=columns).to_csv(index=False), nl=False)
