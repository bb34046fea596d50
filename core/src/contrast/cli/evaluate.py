"""`contrast eval RUN`: evaluate a trained run again."""

from __future__ import annotations

from contrast.cli.console import output, print_json, say
from contrast.cli.options import Json, Run


def evaluate(run: Run, as_json: Json = False) -> None:
    """Evaluate a trained run again and write its report anew."""
    from contrast import api
    from contrast.reporting import print_tables

    found = api.evaluate(run)
    if as_json:
        print_json({stage: evaluation.metrics for stage, evaluation in found.items()})
    else:
        for evaluation in found.values():
            print_tables(output(), evaluation)
    say(f"report: {run / 'report.html'}")
