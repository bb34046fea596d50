"""`contrast prefer RUN`, also `contrast-preference-studio RUN`; mistakes come before the server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contrast.cli.console import run_alone, say
from contrast.cli.options import Port, Run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def prefer(
    run: Run,
    answers: Annotated[
        Path, typer.Option(help="JSON lines to which what people prefer is appended.")
    ] = Path("answers.jsonl"),
    port: Port = 7860,
) -> None:
    """Say in the browser which of two responses is better; a run can train on the clicks."""
    from contrast_preference_studio.answers import Answers
    from contrast_preference_studio.writer import open_run, refuse_other_runs

    refuse_other_runs(run)
    kept = Answers(answers)
    writer = open_run(run)
    for note in writer.notes:
        say(note)
    from contrast.reporting.serving import serve, wait_for_interrupt
    from contrast_preference_studio.asking import Asking
    from contrast_preference_studio.page import make_page, page_style

    address = serve(make_page(Asking(writer, kept)), port=port, css=page_style())
    say(f"preference studio: {address}   (Ctrl-C ends it; answers are kept in {answers})")
    wait_for_interrupt()


def main() -> None:
    """The command by its own name."""
    run_alone(app, "contrast-preference-studio")
