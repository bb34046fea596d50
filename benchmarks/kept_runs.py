"""Runs that a benchmark makes once: what was stopped goes on, what is finished is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import contrast


def finish(plugin: str, folder: Path, overrides: list[str]) -> None:
    """Make the run, or go on with it, unless it is done."""
    if not folder.exists():
        contrast.run(plugin, overrides=overrides, runs=folder.parent, name=folder.name)
    elif json.loads((folder / "run.json").read_text())["state"] != "done":
        contrast.resume(folder)


def metrics(folder: Path) -> dict[str, float] | None:
    """What the run's evaluation found; None before it ended."""
    found = folder / "evaluation" / "train.json"
    return json.loads(found.read_text())["metrics"] if found.exists() else None
