"""Several processes on this machine, joined by gloo: what is distributed must equal one process."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch.distributed as dist
import torch.multiprocessing as mp

from contrast.engine.distribution import World

PATIENCE = timedelta(minutes=5)  # with a process that does not come to a collective


def in_processes(size: int, function: Callable[..., Any], *arguments: Any) -> None:
    """Call `function(world, *arguments)` in `size` processes; an error in one is raised here.

    `function` must stand at the top of a module that can be imported anew.
    """
    mp.spawn(_joined, (size, _free_port(), function, arguments), nprocs=size)


def _joined(
    rank: int, size: int, port: int, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=rank, world_size=size, timeout=PATIENCE)
    try:
        function(World(rank, size), *arguments)
    finally:
        dist.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
