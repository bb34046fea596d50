"""Two digits side by side: the left one is always there, the right one in targets only."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Generator

from contrast.data.images import mnist
from contrast_sepclr.data import Factor, Groups, hold_out
from contrast_sepclr.images import read_images

TEST_DIGITS = 500  # of scikit-learn's 1797: none of them is seen in training


def strip(
    *, generator: Generator, digits: str, train: int, test: int, judged_on: str = "test"
) -> Groups:
    """`train` and `test` images of each group, put together from digits of two disjoint sets.

    scikit-learn's digits (8 x 8) are drawn with repetition; MNIST's, averaged down to 14 x 14,
    without where there are enough.
    """
    pools = sklearn_digits(generator) if digits == "sklearn" else _mnist()
    made = [_pairs(*pool, n, generator) for pool, n in zip(pools, (train, test), strict=True)]
    pixels, left, right = (np.concatenate(parts) for parts in zip(*made, strict=True))
    rows = torch.arange(2 * (train + test))
    is_target = torch.from_numpy(right >= 0)
    split = hold_out(rows[: 2 * train], rows[2 * train :], judged_on, generator)
    names = tuple("0123456789")
    x = torch.from_numpy(pixels)[:, None]
    factors = (
        Factor("left digit", left, names, "common"),
        Factor("right digit", right, names, "salient"),
    )
    return Groups(
        f"strip of {digits} digits",
        "strip",
        x,
        is_target,
        *split,
        rows.tolist(),
        factors,
        read=partial(read_images, shape=tuple(x.shape[1:])),
    )


def _pairs(images: np.ndarray, labels: np.ndarray, n: int, generator: Generator) -> tuple:
    """n backgrounds, then n targets: 2n digits to the left and n to the right."""
    order = torch.cat(
        [torch.randperm(len(images), generator=generator) for _ in range(1 + 3 * n // len(images))]
    )
    left, right = order[: 2 * n].numpy(), order[2 * n : 3 * n].numpy()
    empty = np.zeros((n, *images.shape[1:]), images.dtype)
    pixels = np.concatenate([images[left], np.concatenate([empty, images[right]])], axis=2)
    return pixels, labels[left], np.concatenate([np.full(n, -1), labels[right]])


def sklearn_digits(generator: Generator) -> tuple:
    """Pixels (M, 8, 8) uint8 and labels to train on, and 500 others to test."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    order = torch.randperm(len(labels), generator=generator).numpy()
    train, test = order[TEST_DIGITS:], order[:TEST_DIGITS]
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def _mnist() -> tuple:
    found = []
    for part in ("train", "test"):
        images = mnist(part)
        halves = images.pixels.reshape(-1, 14, 2, 14, 2).mean((2, 4))
        found.append((np.rint(halves).astype(np.uint8), images.labels))
    return tuple(found)
