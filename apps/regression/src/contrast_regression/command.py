"""`contrast regress`, also `contrast-regression`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port
from contrast.errors import ConfigError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def regress(
    runs: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where runs are kept; made if missing.")
    ] = Path("runs"),
    port: Port = 7861,
) -> None:
    """Regress on a table in the browser: compare methods, predict new rows with intervals."""
    if runs.exists() and not runs.is_dir():
        raise ConfigError(f"{runs} is a file, expected a folder for runs")
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_regression.page import make_page, page_style

    address = serve(make_page(runs), port=port, css=page_style())
    say(f"regression: {address}   (Ctrl-C ends it)")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-regression")
