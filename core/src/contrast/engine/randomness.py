"""Randomness by counters: every generator is seeded from what it is for, never from another one.

There is no random state to save. The cadence of checkpoints or evaluation cannot change training.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive_seed(*words: int | str) -> int:
    """A 63-bit seed that depends on all the words and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, words)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(*words: int | str) -> torch.Generator:
    """A CPU generator seeded from the words."""
    return torch.Generator().manual_seed(derive_seed(*words))


def seed_everything(*words: int | str) -> None:
    """Seed the global generators of torch, numpy and Python, for code that cannot be handed one.

    Dropout is the case in point: torch offers no generator argument for it.
    """
    seed = derive_seed(*words)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():  # `torch.manual_seed` would remember a stack trace a step for it
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@contextmanager
def seeded(*words: int | str) -> Iterator[None]:
    """Run a block under its own seed and leave the global generators as they were."""
    cuda = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    numpy_state, python_state = np.random.get_state(), random.getstate()
    with torch.random.fork_rng(devices=cuda):
        seed_everything(*words)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
