"""Processes by `torchrun`, collectives by `torch.distributed`: the world, and summed gradients."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

BUCKET_BYTES = 25 * 2**20


@dataclass(frozen=True)
class World:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and speaks to people."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any process."""
        if self.size == 1:
            return flag
        raised = torch.tensor(int(flag), device=collective_device())
        dist.all_reduce(raised, op=dist.ReduceOp.MAX)
        return bool(raised)

    def share(self, samples: int) -> float:
        """This process's share of the samples of all processes: the weight of its loss."""
        if self.size == 1:
            return 1.0
        return samples / float(self.sum(torch.tensor(float(samples), dtype=torch.float64)))

    def sum(self, values: Tensor) -> Tensor:
        """The elementwise sum over processes."""
        if self.size > 1:
            values = values.to(collective_device())
            dist.all_reduce(values)
        return values

    def text(self, value: str) -> str:
        """The leading process's text on every process."""
        if self.size == 1:
            return value
        device = collective_device()
        length = torch.tensor(len(value.encode()), device=device)
        dist.broadcast(length, 0)
        content = torch.zeros(int(length), dtype=torch.uint8, device=device)
        if self.leads:
            content.copy_(torch.frombuffer(bytearray(value.encode()), dtype=torch.uint8))
        dist.broadcast(content, 0)
        return bytes(content.tolist()).decode()


def collective_device() -> torch.device:
    """The device that the process group's collectives work on."""
    on_cuda = dist.get_backend() == "nccl"
    return torch.device("cuda", torch.cuda.current_device()) if on_cuda else torch.device("cpu")


@contextmanager
def world() -> Iterator[World]:
    """The world that `torchrun` describes, joined for the block; one process without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or dist.is_initialized():
        ready = dist.is_available() and dist.is_initialized()
        yield World(dist.get_rank(), dist.get_world_size()) if ready else World()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def reduce_gradients(
    gradients: Sequence[Tensor | None], like: Sequence[Tensor], world: World
) -> list[Tensor | None]:
    """The sum over processes of each gradient, in flat buckets.

    A gradient that is None here but not elsewhere counts as zero; one that is None everywhere
    stays None. `like` gives the shapes.
    """
    if world.size == 1:
        return list(gradients)
    used = torch.tensor([g is not None for g in gradients], dtype=torch.int32)
    used = used.to(collective_device())
    dist.all_reduce(used)
    wanted = [i for i, count in enumerate(used.tolist()) if count]
    reduced: list[Tensor | None] = [None] * len(gradients)
    for bucket in _buckets(wanted, like):
        parts = [_zeros_if_none(gradients[i], like[i]).reshape(-1) for i in bucket]
        flat = torch.cat(parts)
        dist.all_reduce(flat)
        for i, piece in zip(bucket, flat.split([like[i].numel() for i in bucket]), strict=True):
            reduced[i] = piece.view_as(like[i])
    return reduced


def _zeros_if_none(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient


def _buckets(indices: list[int], like: Sequence[Tensor]) -> Iterator[list[int]]:
    """Runs of indices of one dtype and device whose tensors fit into a bucket."""
    bucket: list[int] = []
    for i in indices:
        tensor = like[i]
        if bucket:
            first, held = like[bucket[0]], sum(like[j].nbytes for j in bucket)
            mixed = (tensor.dtype, tensor.device) != (first.dtype, first.device)
            if mixed or held + tensor.nbytes > BUCKET_BYTES:
                yield bucket
                bucket = []
        bucket.append(i)
    if bucket:
        yield bucket
