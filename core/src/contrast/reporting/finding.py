"""Which finished runs a path stands for: a run folder, or a folder of runs such as a sweep's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contrast.errors import RunFolderError, did_you_mean, listing
from contrast.reporting.records import read_json


def finished_runs(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The finished runs of all paths, each once, and what was left out in sentences.

    Raises: RunFolderError: a path is neither, or a run that is named is not finished or damaged.
    """
    notes: list[str] = []
    return list(dict.fromkeys(run for path in paths for run in _runs_of(path, notes))), notes


def run_json(folder: Path, *needed: str) -> dict[str, Any]:
    """What run.json says; each of the keys that are needed holds a text.

    Raises: RunFolderError: it is damaged.
    """
    path = folder / "run.json"
    found = read_json(path, {})
    missing = [key for key in needed if not isinstance(found.get(key), str)]
    if missing:
        raise RunFolderError(f"{path} is damaged: it holds no text for {listing(missing)}")
    return found


def left_out(error: RunFolderError) -> str:
    """The note of a run in a folder of runs that cannot be read."""
    return f"Left out: {' '.join(str(error).split())}."


def _runs_of(path: Path, notes: list[str]) -> list[Path]:
    """The finished runs that a path stands for."""
    if (path / "run.json").is_file():
        return [_finished(path)]
    inside = sorted(_inside(path))
    if inside:
        return _finished_among(inside, path.name, notes)
    known = {run.relative_to(path.parent).parts[0] for run in _inside(path.parent)}
    near = did_you_mean(path.name, known)
    if not path.exists():
        raise RunFolderError(f"there is no run folder {path}{near}")
    raise RunFolderError(
        f"{path} is neither a run folder nor a folder of runs: it holds no run.json{near}"
    )


def _finished(path: Path) -> Path:
    """A run that is named, which must be finished."""
    state = run_json(path, "state")["state"]
    if state != "done":
        wait = "Wait for it, or if it was killed go" if state == "running" else "Go"
        raise RunFolderError(
            f"{path} is not finished: its state is `{state}`\n"
            f"{wait} on with `contrast resume {path}`."
        )
    return path.resolve()


def _finished_among(runs: list[Path], folder: str, notes: list[str]) -> list[Path]:
    """The finished ones in the order of their start; the others are noted."""
    known: dict[Path, dict[str, Any]] = {}
    for run in runs:
        try:
            known[run] = run_json(run, "state")
        except RunFolderError as error:  # one of many must not keep the others from the table
            notes.append(left_out(error))
    ordered = sorted(known, key=lambda run: (str(known[run].get("started", "")), run.name))
    done = [run for run in ordered if known[run]["state"] == "done"]
    left = [f"`{run.name}` ({known[run]['state']})" for run in ordered if run not in done]
    if left:
        notes.append(f"Not finished, and left out of {folder}: {', '.join(left)}.")
    return [run.resolve() for run in done]


def _inside(folder: Path) -> list[Path]:
    """The runs in a folder, and those of its sweeps."""
    return [run.parent for depth in ("*", "*/*") for run in folder.glob(f"{depth}/run.json")]
