"""Several runs of one sweep: a folder per job, a table of mean and spread, no job stops another."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contrast.api import run
from contrast.config import sweep
from contrast.engine.distribution import world
from contrast.engine.folder import file_name, make_new
from contrast.engine.observers import Observer
from contrast.engine.stopping import Stopped
from contrast.errors import ConfigError, ContrastError
from contrast.files import write_atomically
from contrast.interfaces import Table
from contrast.reporting import summarise


@dataclass(frozen=True)
class Job:
    """One job of a sweep: the overrides that set it apart, and what came of it."""

    name: str
    metrics: dict[str, float | None]
    error: str = ""


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: its folder, its jobs, and the summary over those that ended well."""

    folder: Path
    jobs: list[Job]
    summary: Table


def multirun(
    plugin: str,
    *,
    overrides: Sequence[str] = (),
    file: Path | str | None = None,
    runs: Path | str = "runs",
    name: str | None = None,
    observer: Observer | None = None,
) -> Sweep:
    """Run every combination that the commas of the overrides span.

    A job that fails does not stop the others; a signal does, after the summary so far is written.
    Raises: ConfigError: no override holds a comma outside brackets.  Stopped: a signal came.
    """
    combinations = sweep(overrides)
    if len(combinations) < 2:
        raise ConfigError("nothing to sweep: separate values by commas, as in `seed=0,1,2`")
    observer = observer or Observer()
    with world() as here:
        made = make_new(Path(runs), name or f"{plugin}-sweep") if here.leads else ""
        folder = Path(here.text(str(made)))
        jobs: list[Job] = []
        try:
            for words in combinations:
                job = "-".join(word for word in words if word not in overrides)
                observer.on_message(f"job {len(jobs) + 1} of {len(combinations)}: {job}")
                jobs.append(_run_job(plugin, words, file, folder, job, observer))
        finally:
            summary = summarise([job.metrics for job in jobs if not job.error])
            if here.leads:
                _write(folder, jobs, summary)
    return Sweep(folder, jobs, summary)


def _run_job(
    plugin: str,
    words: list[str],
    file: Path | str | None,
    folder: Path,
    name: str,
    observer: Observer,
) -> Job:
    try:
        result = run(plugin, overrides=words, file=file, runs=folder, name=name, observer=observer)
    except Stopped:
        raise
    except ContrastError as cause:
        failed = str(cause)
    except Exception as cause:  # a bug in one job must not cost the others
        (folder / f"{file_name(name)}.traceback.txt").write_text(traceback.format_exc())
        failed = f"{type(cause).__name__}: {cause}"
    else:
        return Job(name, result.metrics)
    observer.on_message(f"job {name} failed: {failed}")
    return Job(name, {}, failed)


def _write(folder: Path, jobs: list[Job], summary: Table) -> None:
    content = {
        "jobs": [{"name": j.name, "metrics": j.metrics, "error": j.error} for j in jobs],
        "summary": {"columns": summary.columns, "rows": summary.rows},
    }
    write_atomically(folder / "summary.json", json.dumps(content, indent=1) + "\n")
