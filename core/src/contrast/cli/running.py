"""Runs as the command line makes them: watched, and their results shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from contrast.cli.console import leads, output, print_json, say
from contrast.cli.progress import watching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contrast.engine.running import RunResult
    from contrast.multirun import Sweep


def run_one(plugin: str, *, observers: Sequence[str], as_json: bool, **options: Any) -> None:
    """Run once and show what the evaluation found."""
    with watching(observers) as watch:
        from contrast import api

        result = api.run(plugin, observer=watch, **options)
    show_result(result, as_json=as_json)


def run_all(plugin: str, *, observers: Sequence[str], as_json: bool, **options: Any) -> None:
    """Run every job of a sweep and show mean and spread; exit with 1 if a job failed."""
    with watching(observers) as watch:
        from contrast.multirun import multirun

        done = multirun(plugin, observer=watch, **options)
    failed = {job.name: job.error for job in done.jobs if job.error}
    if leads():
        _show_sweep(done, failed, as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _show_sweep(done: Sweep, failed: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        metrics = {job.name: job.metrics for job in done.jobs if not job.error}
        print_json({"folder": str(done.folder), "metrics": metrics, "failed": failed})
    else:
        from contrast.reporting.terminal import rich_table

        output().print(rich_table(done.summary))
    for name, reason in failed.items():
        say(f"failed: {name}: {reason}")
    say(f"folder: {done.folder}")


def show_result(result: RunResult, *, as_json: bool) -> None:
    """What a run found, and where its report is."""
    if not leads():
        return
    if as_json:
        shown = {"folder": str(result.folder), "state": result.state, "metrics": result.metrics}
        print_json(shown)
    else:
        from contrast.reporting import print_tables

        for evaluation in result.evaluations.values():
            print_tables(output(), evaluation)
    report = result.folder / "report.html"
    say(f"report: {report}" if report.is_file() else f"run: {result.folder}")
