"""Observations of gymnasium's spaces as arrays that a network reads: vectors, or planes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from contrast.errors import ConfigError

Array = NDArray[Any]
CODES = (11, 6, 4)  # of MiniGrid's cells: objects, colours, states
READ = "vectors, images, `Discrete`, `MultiDiscrete`, `MultiBinary`, or a `Dict` with an `image`"
LEAST = 3  # pixels of an image each way, for one filter


@dataclass(frozen=True)
class Reading:
    """How observations become arrays of one shape; `scale` is the largest value of an image.

    `convert` takes one observation or a batch of them where they are arrays.
    """

    convert: Callable[[Any], Array]
    shape: tuple[int, ...]
    dtype: type
    scale: float = 1.0


def reading(space: spaces.Space, name: str) -> Reading:
    """How a space is read.

    Raises: ConfigError: networks here do not read it.
    """
    if isinstance(space, spaces.Dict) and "image" in space.spaces:
        inner = space["image"]
        if name.startswith(("MiniGrid", "BabyAI")) and inner.shape and inner.shape[-1] == 3:
            return cells(inner.shape)
        read = reading(inner, name)
        return Reading(lambda obs: read.convert(obs["image"]), read.shape, read.dtype, read.scale)
    if isinstance(space, spaces.Box):
        return boxed(space, name)
    if isinstance(space, spaces.Discrete):
        return one_hot(np.array([space.n]), np.array([space.start]))
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        return one_hot(space.nvec, space.start)
    if isinstance(space, spaces.MultiBinary) and len(space.shape) == 1:
        return Reading(lambda obs: np.asarray(obs, np.uint8), space.shape, np.uint8)
    raise ConfigError(f"the observations of `{name}` are {space}\nWhat is read: {READ}.")


def boxed(space: spaces.Box, name: str) -> Reading:
    """Vectors as they are, images with their channels first."""
    small = space.dtype in (np.uint8, np.bool_)
    dtype: type = np.uint8 if small else np.float32
    scale = float(np.max(space.high)) if small and space.dtype != np.bool_ else 1.0
    shape = space.shape
    if len(shape) == 1:
        return Reading(lambda obs: np.asarray(obs, dtype), shape, dtype, scale)
    if len(shape) not in (2, 3):
        raise ConfigError(f"the observations of `{name}` have shape {shape}\nWhat is read: {READ}.")
    if len(shape) == 2:
        read = Reading(lambda obs: np.asarray(obs, dtype)[None], (1, *shape), dtype, scale)
    elif shape[-1] <= min(shape[:2]):
        planes = (shape[-1], *shape[:-1])
        read = Reading(
            lambda obs: np.moveaxis(np.asarray(obs, dtype), -1, -3), planes, dtype, scale
        )
    else:
        read = Reading(lambda obs: np.asarray(obs, dtype), shape, dtype, scale)
    if min(read.shape[1:]) < LEAST:
        raise ConfigError(
            f"the observations of `{name}` have shape {shape}, and an image has {LEAST} x {LEAST} "
            "pixels or more\nWrap it in `gymnasium.wrappers.FlattenObservation`."
        )
    return read


def one_hot(sizes: Array, start: Array) -> Reading:
    """A one for each number, side by side."""
    offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]) - start

    def convert(obs: Any) -> Array:
        given = np.atleast_1d(np.asarray(obs, np.int64))
        if given.shape != sizes.shape or ((given < start) | (given >= start + sizes)).any():
            raise ValueError(f"{obs} is outside its space")
        seen = np.zeros(sizes.sum(), np.uint8)
        seen[given + offsets] = 1
        return seen

    return Reading(convert, (int(sizes.sum()),), np.uint8)


def cells(shape: tuple[int, ...]) -> Reading:
    """MiniGrid's codes of object, colour and state as planes of ones."""
    known = [np.eye(size, dtype=np.uint8) for size in CODES]

    def convert(obs: Any) -> Array:
        image = obs["image"]
        planes = [eye[image[..., i]] for i, eye in enumerate(known)]
        return np.moveaxis(np.concatenate(planes, -1), -1, 0)

    return Reading(convert, (sum(CODES), *shape[:2]), np.uint8)
