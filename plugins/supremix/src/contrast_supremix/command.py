"""`contrast predict RUN rows.csv`: new rows through a trained regression run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import say
from contrast.cli.options import Run
from contrast.errors import DataError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def predict(
    run: Run,
    rows: Annotated[
        Path,
        typer.Argument(metavar="ROWS", help="A table of new rows, a folder of images, an .npz."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; else standard output.")
    ] = None,
    coverage: Annotated[
        float, typer.Option(min=0.01, max=0.999, help="Share of rows that intervals cover.")
    ] = 0.9,
    embeddings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write features: .parquet or .npz.")
    ] = None,
) -> None:
    """Predict the target of new samples with a trained run of `supremix`, with intervals.

    The rows come back as CSV with the columns `prediction`, `low` and `high` behind their own;
    beside own ones of such a name, `predicted_low` and so on.
    """
    if out is not None and out.exists():
        raise DataError(f"{out} exists and is not overwritten; remove it or choose another name")
    from contrast.data.tables import write_embeddings
    from contrast_supremix.predictor import Predictor

    frame, found = Predictor.load(run, coverage).predict_file(rows)
    for note in found.notes:
        say(note)
    text = found.beside(frame).to_csv(index=False)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text)
        say(f"{len(frame)} rows, intervals of {coverage:.0%}")
        typer.echo(out)
    if embeddings is not None:
        write_embeddings(embeddings, list(range(len(frame))), {"z": found.z})
