"""`contrast explore RUN`, also `contrast-graph-explorer RUN`; mistakes come before the server."""

from __future__ import annotations

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port, Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def explore(
    run: Run,
    port: Port = 7860,
) -> None:
    """Look at a finished MEOW run in the browser: nodes and their neighbours."""
    from contrast_graph_explorer.graph_run import open_run

    opened = open_run(run)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_graph_explorer.page import make_page, page_style

    address = serve(make_page(opened), port=port, css=page_style())
    say(f"graph explorer: {address}   (Ctrl-C ends it)")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-graph-explorer")
