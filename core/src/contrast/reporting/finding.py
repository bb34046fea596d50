"""Which finished runs a path stands for: a run folder, or a folder of runs such as a sweep's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contrast.errors import RunFolderError, did_you_mean


def finished_runs(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The finished runs of all paths, each once, and what was left out in sentences.

    Raises: RunFolderError: a path is neither, or a run that is named is not finished.
    """
    notes: list[str] = []
    return list(dict.fromkeys(run for path in paths for run in _runs_of(path, notes))), notes


def _runs_of(path: Path, notes: list[str]) -> list[Path]:
    """The finished runs that a path stands for."""
    if (path / "run.json").is_file():
        state = _state(path)
        if state != "done":
            wait = "Wait for it, or if it was killed go" if state == "running" else "Go"
            raise RunFolderError(
                f"{path} is not finished: its state is `{state}`\n"
                f"{wait} on with `contrast resume {path}`."
            )
        return [path.resolve()]
    inside = sorted(_inside(path), key=_started)
    if not inside:
        known = {run.relative_to(path.parent).parts[0] for run in _inside(path.parent)}
        near = did_you_mean(path.name, known)
        if not path.exists():
            raise RunFolderError(f"there is no run folder {path}{near}")
        raise RunFolderError(
            f"{path} is neither a run folder nor a folder of runs: it holds no run.json{near}"
        )
    done = [run for run in inside if _state(run) == "done"]
    left = [f"`{run.name}` ({_state(run)})" for run in inside if run not in done]
    if left:
        notes.append(f"Not finished, and left out of {path.name}: {', '.join(left)}.")
    return [run.resolve() for run in done]


def _inside(folder: Path) -> list[Path]:
    """The runs in a folder, and those of its sweeps."""
    return [run.parent for depth in ("*", "*/*") for run in folder.glob(f"{depth}/run.json")]


def _run_json(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunFolderError(f"{folder / 'run.json'} is damaged: {error}") from None


def _state(folder: Path) -> str:
    return _run_json(folder).get("state", "unknown")


def _started(folder: Path) -> tuple[str, str]:
    return _run_json(folder).get("started", ""), folder.name
