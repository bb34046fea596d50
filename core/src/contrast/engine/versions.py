"""What a run was made with, for its record."""

from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np
import torch

import contrast


def versions(plugin: str) -> dict[str, str | int]:
    """The versions and the number of threads that a run's numbers depend on."""
    from contrast.plugins import find

    info = find(plugin)
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "contrast-core": contrast.__version__,
        info.distribution: version(info.distribution),
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }
