"""Faults on purpose: a run that is killed in the middle, as by a power cut."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

COMMAND = (sys.executable, "-m", "contrast")
POLL_S = 0.002


def run_and_kill(
    arguments: Sequence[str],
    folder: Path,
    lines: int,
    *,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 120,
) -> Path:
    """Run `contrast ARGUMENTS`, and `kill -9` it once a metrics.jsonl has reached `lines` lines.

    `folder` is the folder of runs, or the one run that is resumed; gives the folder of the run.
    The file grows by what the loop writes at once, so that it may hold more lines than asked for.

    Raises: RuntimeError: the command ended, or the time was over, before there were so many lines.
    """
    deadline = time.monotonic() + timeout_s
    with tempfile.TemporaryFile("w+") as words:
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdout=words,
            stderr=words,
            env={**os.environ, **(environment or {})},
        )
        try:
            while process.poll() is None and time.monotonic() < deadline:
                for metrics in _metrics(folder):
                    if metrics.read_bytes().count(b"\n") >= lines:
                        return metrics.parent
                time.sleep(POLL_S)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        words.seek(0)
        raise RuntimeError(
            f"`contrast {' '.join(arguments)}` did not reach {lines} lines of metrics "
            f"(exit code {process.returncode}):\n{words.read()}"
        )


def _metrics(folder: Path) -> list[Path]:
    return [*folder.glob("metrics.jsonl"), *folder.glob("*/metrics.jsonl")]
