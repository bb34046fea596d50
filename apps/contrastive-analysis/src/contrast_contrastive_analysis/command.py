"""`contrast analyse RUN`, and `contrast-contrastive-analysis RUN`; mistakes come before serving."""

from __future__ import annotations

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port, Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def analyse(
    run: Run,
    port: Port = 7860,
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
    """The command by its own name."""
    run_alone(app, "contrast-contrastive-analysis")
