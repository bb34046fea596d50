"""`contrast analyse RUN`, and `contrast-contrastive-analysis RUN`; mistakes come before serving."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from contrast.cli.console import say
from contrast.cli.options import Run
from contrast.errors import ContrastError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def analyse(
    run: Run,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of this machine; 0: a free one.")
    ] = 7860,
) -> None:
    """Look at a finished SepCLR run in the browser: whom samples are near to, by which space."""
    from contrast_contrastive_analysis.cohort import open_run

    opened = open_run(run)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_contrastive_analysis.page import make_page, page_style

    address = serve(make_page(opened), port=port, css=page_style())
    say(f"contrastive analysis: {address}   (Ctrl-C ends it)")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name. A user's mistake is told without a traceback."""
    try:
        app(prog_name="contrast-contrastive-analysis")
    except ContrastError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
