"""How much memory this process has held at most."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")


def peak_memory() -> dict[str, int]:
    """Most bytes since the process began, by device: `cpu`, and each `cuda:N` that was used.

    `cpu` is all that was resident, libraries included; `cuda:N` what tensors took.
    """
    found = {"cpu": _peak_resident()}
    for number in range(torch.cuda.device_count() if torch.cuda.is_initialized() else 0):
        used = torch.cuda.max_memory_allocated(number)
        if used:
            found[f"cuda:{number}"] = used
    return found


def _peak_resident() -> int:
    """On Linux not by `getrusage`, which a process inherits from the one that started it."""
    if STATUS.is_file():
        line = re.search(r"^VmHWM:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
        if line:
            return int(line[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
