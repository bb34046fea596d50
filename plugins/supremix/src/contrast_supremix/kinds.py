"""What a sample may be: a row of a table, an image, a series, or a pair of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Generator, nn

from contrast_supremix.convolution import Convolved
from contrast_supremix.network import Members
from contrast_supremix.scaling import ChannelScaling, Scaling, missing_columns
from contrast_supremix.wording import Worded, overlaps

Scaled = Callable[[np.ndarray], np.ndarray]  # (M, ...) as it was read to (M, ...) for a network
Network = Callable[[Sequence[int], int, Sequence[Generator]], nn.Module]
PLAIN_SIDE, PLAIN_PLACES = 16, 32  # of an image's side and of a series, for ridge and boosting


@dataclass(frozen=True)
class Kind:
    """How samples of a kind are scaled, by what network they are read, and what methods without
    a network see of them.

    `scaling` is made of all samples and the training rows; one for all splits where it is
    `fixed`. `network` is made of a scaled sample's shape, a width and the members' generators.
    `plain` gives numbers, (N, P) with NaN where missing, of all samples and the training rows.
    """

    scaling: Callable[[np.ndarray, np.ndarray], Scaled]
    network: Network
    plain: Callable[[np.ndarray, np.ndarray], np.ndarray]
    fixed: bool = False


def _columns(x: np.ndarray, train: np.ndarray) -> Scaled:
    return Scaling.of(x[train], missing_columns(x))


def _channels(x: np.ndarray, train: np.ndarray) -> Scaled:
    return ChannelScaling.of(x[train], flagged=bool(np.isnan(x).any()))


def _perceptron(sample: Sequence[int], width: int, generators: Sequence[Generator]) -> nn.Module:
    return Members([sample[0], width, width], generators, active=True)


def _worded(sample: Sequence[int], width: int, generators: Sequence[Generator]) -> nn.Module:
    return Worded(width, generators)


def _small_images(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Means of squares of pixels, at most 16 a side."""
    return _means(_means(x, -1, PLAIN_SIDE), -2, PLAIN_SIDE).reshape(len(x), -1)


def _short_series(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Each channel's means of 32 parts, then its mean, deviation and steps."""
    known = np.where(np.isnan(x), np.nanmean(x[train], axis=(0, 2), keepdims=True), x)
    step = np.abs(np.diff(known, axis=2)).mean(2)
    rows = [_means(known, -1, PLAIN_PLACES).reshape(len(x), -1), known.mean(2), known.std(2), step]
    return np.concatenate(rows, 1)


def _means(x: np.ndarray, axis: int, most: int) -> np.ndarray:
    """Means of parts along an axis, at most so many."""
    n = x.shape[axis]
    starts = np.arange(min(n, most)) * n // min(n, most)
    shape = [1] * x.ndim
    shape[axis] = -1
    lengths = np.diff(starts, append=n).reshape(shape)
    return np.add.reduceat(x.astype(np.float64), starts, axis) / lengths


KINDS = {
    "table": Kind(_columns, _perceptron, lambda x, train: x),
    "image": Kind(lambda x, train: np.asarray, Convolved, _small_images, fixed=True),
    "series": Kind(_channels, Convolved, _short_series),
    "texts": Kind(lambda x, train: np.asarray, _worded, overlaps, fixed=True),
}
