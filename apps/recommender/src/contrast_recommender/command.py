"""`contrast recommender RUN`, also `contrast-recommender RUN`; mistakes come before the server."""

from __future__ import annotations

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port, Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def recommender(
    run: Run,
    port: Port = 7860,
) -> None:
    """Try a finished MCLRec run in the browser: pick what was taken, see what comes next."""
    from contrast_recommender.shelf import open_run

    opened = open_run(run)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_recommender.page import make_page, page_style

    address = serve(make_page(opened), port=port, css=page_style())
    say(f"recommender: {address}   (Ctrl-C ends it)")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-recommender")
