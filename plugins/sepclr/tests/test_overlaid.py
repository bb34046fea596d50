from pathlib import Path

import numpy as np
import pytest
import torch

from contrast.data.images import CIFAR10_CLASSES, Images
from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_sepclr import overlaid

DRAW = np.random.default_rng(0)
PHOTOS = Images(
    DRAW.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8),
    np.arange(40) % 10,
    CIFAR10_CLASSES,
    Path(),
)
DIGITS = Images(
    DRAW.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    np.arange(30) % 10,
    tuple("0123456789"),
    Path(),
)


@pytest.fixture(autouse=True)
def _images(monkeypatch):
    monkeypatch.setattr(overlaid, "cifar10", lambda part: PHOTOS)
    monkeypatch.setattr(overlaid, "mnist", lambda part: DIGITS)


def test_a_target_is_half_a_photo_and_half_a_digit():
    order, which = np.array([3, 1, 2, 0]), np.array([5, 7])
    pixels, objects, digits = overlaid.overlay(PHOTOS, order, DIGITS, which)
    assert np.array_equal(pixels[:2], PHOTOS.pixels[order[:2]] // 2)
    framed = np.zeros((2, 32, 32, 1), np.uint16)
    framed[:, 2:30, 2:30, 0] = DIGITS.pixels[which]
    assert np.array_equal(pixels[2:], (PHOTOS.pixels[order[2:]] + framed) // 2)
    assert objects.tolist() == PHOTOS.labels[order].tolist()
    assert digits.tolist() == [-1, -1, 5, 7]


def test_no_photo_stands_twice_and_groups_are_equally_many():
    data = overlaid.mnist_over_cifar(generator=generator(0), train=10, test=5)
    assert data.x.shape == (30, 3, 32, 32)
    assert int(data.is_target[data.train].sum()) == 10
    assert int(data.is_target[data.test].sum()) == 5
    plain = data.x[data.train][~data.is_target[data.train]]
    assert len(torch.unique(plain, dim=0)) == 10


def test_more_photos_than_there_are_is_refused():
    with pytest.raises(DataError, match=r"`data.train` asks for 21 photos of each group.*40"):
        overlaid.mnist_over_cifar(generator=generator(0), train=21, test=5)
