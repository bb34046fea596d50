"""Batches cut by sample, for encoders that take one micro-batch at a time."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor

from contrast.errors import ConfigError


def split_batch(batch: Any, size: int, samples: int) -> list[Any]:
    """The batch in parts of at most `size` samples.

    Walks dataclasses, tuples, lists and dictionaries. Samples run along the first axis of each
    tensor, or along the axis that a dataclass field declares with `contrast.forms.over`; a list of
    texts or numbers holds one a sample. Numbers, texts and None stay as they are. A batch of no
    sample is one part.
    Raises: ConfigError: a tensor or list does not hold `samples` samples, or the batch holds
    something else.
    """
    parts = [slice(start, start + size) for start in range(0, max(samples, 1), size)]
    return [_cut(batch, part, samples, "batch") for part in parts]


def _cut(value: Any, part: slice, samples: int, name: str, axis: int | None = 0) -> Any:
    if axis is None or value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Tensor):
        return _cut_tensor(value, part, samples, name, axis)
    if is_dataclass(value):
        return replace(
            value,
            **{
                f.name: _cut(
                    getattr(value, f.name),
                    part,
                    samples,
                    f"{name}.{f.name}",
                    f.metadata.get("axis", 0),
                )
                for f in fields(value)
            },
        )
    if isinstance(value, dict):
        return {k: _cut(item, part, samples, f"{name}.{k}") for k, item in value.items()}
    if isinstance(value, (tuple, list)):
        return _cut_sequence(value, part, samples, name)
    raise _refusal(name, f"a {type(value).__name__}", samples)


def _cut_tensor(value: Tensor, part: slice, samples: int, name: str, axis: int) -> Tensor:
    if value.ndim <= axis or value.shape[axis] != samples:
        raise _refusal(name, f"of {tuple(value.shape)}", samples, axis)
    return value[(slice(None),) * axis + (part,)]


def _cut_sequence(value: tuple | list, part: slice, samples: int, name: str) -> tuple | list:
    if all(isinstance(item, (bool, int, float, str)) for item in value):
        if len(value) != samples:
            raise _refusal(name, f"a list of {len(value)}", samples)
        return value[part]
    items = [_cut(item, part, samples, f"{name}.{i}") for i, item in enumerate(value)]
    return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)


def _refusal(name: str, what: str, samples: int, axis: int = 0) -> ConfigError:
    return ConfigError(
        f"`trainer.micro_batch` cuts a batch by sample, but `{name}` is {what} where {samples} "
        f"samples were expected along axis {axis}\n"
        "Declare the axis in the batch's dataclass with `over(axis)`, give the sampler a method "
        "`split(batch, size)`, or leave `trainer.micro_batch` at 0."
    )
