"""`contrast exploration RUN`, also `contrast-exploration RUN`; mistakes come before the server."""

from __future__ import annotations

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port, Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def exploration(
    run: Run,
    port: Port = 7860,
) -> None:
    """Go through a finished Contrastive UCB run in the browser: its plans, and an episode."""
    from contrast_exploration.journey import open_run

    opened = open_run(run)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_exploration.page import make_page, page_style

    address = serve(make_page(opened), port=port, css=page_style())
    say(f"exploration: {address}   (Ctrl-C ends it)")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-exploration")
