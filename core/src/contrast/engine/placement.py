"""Where tensors live: the device and the precision that the trainer asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor

from contrast.errors import ConfigError
from contrast.recipe import TrainerConfig


def choose_device(trainer: TrainerConfig) -> torch.device:
    """The device that `trainer.device` names; `auto` takes CUDA where there is one.

    Raises: ConfigError: there is no such device here.
    """
    if trainer.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(trainer.device)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as cause:
        reason = str(cause).splitlines()[0]
        raise ConfigError(
            f"`trainer.device={trainer.device}` cannot be used here: {reason}\n"
            "Use `auto`, `cpu`, or what `contrast doctor` lists."
        ) from None
    return device


@contextmanager
def threads(trainer: TrainerConfig) -> Iterator[None]:
    """The trainer's number of CPU threads, for the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(trainer.threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def dtype_of(trainer: TrainerConfig) -> torch.dtype:
    """The dtype of weights and of floating inputs; bf16 keeps them in float32."""
    return torch.float64 if trainer.precision == "float64" else torch.float32


def move(batch: Any, device: torch.device, dtype: torch.dtype) -> Any:
    """The batch on the device, its floating tensors in the dtype.

    Walks tensors, dataclasses, tuples, lists and dictionaries; anything else with a method `to`
    is asked to go to the device, the rest stays as it is.
    """
    if isinstance(batch, Tensor):
        return batch.to(device, dtype if batch.is_floating_point() else None)
    if is_dataclass(batch) and not isinstance(batch, type):
        return replace(
            batch, **{f.name: move(getattr(batch, f.name), device, dtype) for f in fields(batch)}
        )
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(move(item, device, dtype) for item in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(move(item, device, dtype) for item in batch)
    if isinstance(batch, dict):
        return {name: move(item, device, dtype) for name, item in batch.items()}
    return batch.to(device) if hasattr(batch, "to") else batch


def shapes(batch: Any, name: str = "batch") -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Name, shape and dtype of every tensor in a batch, for people who look before they run."""
    if isinstance(batch, Tensor):
        yield name, tuple(batch.shape), str(batch.dtype).removeprefix("torch.")
    elif is_dataclass(batch):
        for item in fields(batch):
            yield from shapes(getattr(batch, item.name), f"{name}.{item.name}")
    elif isinstance(batch, dict):
        for key, value in batch.items():
            yield from shapes(value, f"{name}.{key}")
    elif isinstance(batch, (tuple, list)):
        for i, value in enumerate(batch):
            yield from shapes(value, f"{name}.{i}")
