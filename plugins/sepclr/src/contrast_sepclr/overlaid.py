"""CIFAR-10 photos at half their brightness; targets carry an MNIST digit on top."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Generator

from contrast.data.images import Images, cifar10, mnist
from contrast.errors import DataError
from contrast_sepclr.data import Factor, Groups, hold_out
from contrast_sepclr.images import read_images


def mnist_over_cifar(
    *, generator: Generator, train: int, test: int, judged_on: str = "test"
) -> Groups:
    """The paper's construction: background 0.5 photo, target 0.5 photo + 0.5 digit of 28 in 32.

    Differs: photos are shuffled before they are cut into groups, since a local copy may be sorted
    by class; the official code takes them in their published order.

    Raises: DataError: there are fewer photos than asked for, or a file cannot be had.
    """
    made = [_part(name, n, generator) for name, n in (("train", train), ("test", test))]
    pixels, objects, digits = (np.concatenate(parts) for parts in zip(*made, strict=True))
    rows = torch.arange(len(pixels))
    split = hold_out(rows[: 2 * train], rows[2 * train :], judged_on, generator)
    factors = (
        Factor("object", objects, cifar10("test").classes, "common"),
        Factor("digit", digits, tuple("0123456789"), "salient"),
    )
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    target = torch.from_numpy(digits >= 0)
    read = partial(read_images, shape=tuple(x.shape[1:]))
    name = "MNIST over CIFAR-10"
    return Groups(name, "photo", x, target, *split, rows.tolist(), factors, read=read)


def _part(name: str, n: int, generator: Generator) -> tuple:
    photos, digits = cifar10(name), mnist(name)
    if 2 * n > len(photos.labels):
        raise DataError(
            f"`data.{name}` asks for {n} photos of each group, "
            f"there are {len(photos.labels)} in all"
        )
    order = torch.randperm(len(photos.labels), generator=generator)[: 2 * n].numpy()
    which = torch.randperm(len(digits.labels), generator=generator)[:n].numpy()
    return overlay(photos, order, digits, which)


def overlay(photos: Images, order: np.ndarray, digits: Images, which: np.ndarray) -> tuple:
    """Pixels, objects and digits (-1: none) of backgrounds and then targets."""
    n = len(which)
    half = photos.pixels[order].astype(np.uint16)
    framed = np.pad(digits.pixels[which], ((0, 0), (2, 2), (2, 2))).astype(np.uint16)
    half[n:] += framed[..., None]
    shown = np.concatenate([np.full(n, -1), digits.labels[which]])
    return (half // 2).astype(np.uint8), photos.labels[order], shown
