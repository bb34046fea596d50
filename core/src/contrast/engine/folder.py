"""The run folder: the complete record of one run, never reused.

config.json  run.json  metrics.jsonl  times.jsonl  checkpoints/  evaluation/  report.html
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contrast.engine.checkpoint import latest_checkpoint, save_checkpoint
from contrast.engine.distribution import World
from contrast.errors import RunFolderError, did_you_mean
from contrast.files import sync, write_atomically

METRICS, TIMES = "metrics.jsonl", "times.jsonl"


class RunFolder:
    """Reads and writes one run folder; only the leading process writes."""

    def __init__(self, path: Path, world: World | None = None) -> None:
        self.path, self.world = path, world or World()
        self.checkpoints = path / "checkpoints"

    @classmethod
    def create(cls, root: Path, name: str, record: dict[str, Any], world: World) -> RunFolder:
        """A new folder `root/name`, or `root/name-2`, -3, ... where that is taken.

        Raises: RunFolderError: the folder cannot be written.
        """
        path = world.text(str(make_new(root, name)) if world.leads else "")
        folder = cls(Path(path), world)
        folder.update(state="running", started=now(), **record)
        return folder

    @classmethod
    def open(cls, path: Path, world: World | None = None) -> RunFolder:
        """An existing run folder.

        Raises: RunFolderError: the path is not one.
        """
        if not (path / "run.json").is_file():
            siblings = [p.parent.name for p in path.parent.glob("*/run.json")]
            raise RunFolderError(
                f"{path} is not a run folder: it holds no run.json"
                f"{did_you_mean(path.name, siblings)}"
            )
        return cls(path, world)

    def record(self) -> dict[str, Any]:
        """What run.json says."""
        return read_json(self.path / "run.json")

    def entries(self) -> list[dict[str, Any]]:
        """The resolved configuration, each value with its origin."""
        return read_json(self.path / "config.json")

    def update(self, **values: Any) -> None:
        """Set values in run.json."""
        path = self.path / "run.json"
        if self.world.leads:
            known = self.record() if path.is_file() else {}
            write_atomically(path, json.dumps({**known, **values}, indent=1) + "\n")

    def write_config(self, entries: list[dict[str, Any]]) -> None:
        """Write the resolved configuration."""
        if self.world.leads:
            text = json.dumps(entries, indent=1) + "\n"
            write_atomically(self.path / "config.json", text)

    def write_metrics(self, line: dict[str, Any]) -> None:
        """Append a line of metrics; what is not finite becomes null."""
        self._append(METRICS, _finite(line))

    def write_times(self, line: dict[str, Any]) -> None:
        """Append a line of times, which are kept apart so that metrics are reproducible."""
        self._append(TIMES, line)

    def metrics_length(self) -> int:
        """The length of the metrics in bytes, after they have reached the disk."""
        path = self.path / METRICS
        if not path.is_file():
            return 0
        sync(path)
        return path.stat().st_size

    def rewind(self, stage: str, step: int, metrics_length: int) -> None:
        """Cut metrics and times back to what they were before this step of the stage."""
        metrics, times = self.path / METRICS, self.path / TIMES
        if not self.world.leads:
            return
        if metrics.is_file():
            os.truncate(metrics, metrics_length)
        if times.is_file():
            lines = [line for line in times.read_text().splitlines() if line.endswith("}")]
            kept = [line for line in lines if _before(json.loads(line), stage, step)]
            write_atomically(times, "".join(f"{line}\n" for line in kept))

    def save_checkpoint(self, stage: str, step: int, trees: dict[str, Any], *, keep: int) -> None:
        """Save the trees of one moment.

        Raises: RunFolderError: the disk is full or the folder cannot be written.
        """
        if not self.world.leads:
            return
        try:
            save_checkpoint(self.checkpoints, stage, step, trees, keep=keep)
        except OSError as cause:
            raise unwritable(self.checkpoints, cause) from None

    def latest_checkpoint(self) -> Path | None:
        """The checkpoint to go on from."""
        return latest_checkpoint(self.checkpoints)

    def _append(self, name: str, line: dict[str, Any]) -> None:
        if self.world.leads:
            try:
                with (self.path / name).open("a") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError as cause:
                raise unwritable(self.path / name, cause) from None


def unwritable(path: Path, cause: OSError) -> RunFolderError:
    """The error of a path that cannot be written, with its reason and the way out."""
    full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = (
        "Free some space and go on with `contrast resume`; what was written before is whole."
        if full
        else "Choose another place with `--runs FOLDER`."
    )
    reason = (cause.strerror or str(cause)).lower()
    error = RunFolderError(f"cannot write {path}: {reason}\n{advice}")
    error.exit_code = 1  # the surroundings' fault
    return error


def read_json(path: Path) -> Any:
    """The content of a JSON file of a run.

    Raises: RunFolderError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as cause:
        raise RunFolderError(f"{path} cannot be read: {cause}") from None


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def make_new(root: Path, name: str) -> Path:
    """Make the folder `root/name`, or `root/name-2`, -3, ... where that is taken.

    Raises: RunFolderError: it cannot be made.
    """
    name = file_name(name)
    attempt = 1
    while True:
        path = root / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir(parents=True)
            return path.resolve()
        except FileExistsError:
            attempt += 1
        except NotADirectoryError:
            raise RunFolderError(f"{root} cannot hold runs: a file stands in its place") from None
        except OSError as cause:
            raise unwritable(path, cause) from None


def file_name(name: str) -> str:
    """The name without what a file's cannot hold, such as the slashes of a path."""
    return re.sub(r"[^\w.=,+-]+", "_", name)


def _before(line: dict[str, Any], stage: str, step: int) -> bool:
    return line["stage"] != stage or line["step"] < step


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
