"""A grid of four digits, always 1 to 4; targets carry a drawn sprite on top (paper, appendix)."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Generator

from contrast.data.images import mnist
from contrast_sepclr.data import Factor, Groups, hold_out
from contrast_sepclr.images import read_images
from contrast_sepclr.strip import sklearn_digits

SIDE, CELL = 64, 32  # pixels
CELLS = ((1, 0, 0), (2, CELL, 0), (3, 0, CELL), (4, CELL, CELL))  # digit, top, left
SHAPES = ("square", "ellipse", "heart")
SCALES = np.linspace(0.5, 1.0, 6)
TURN_DEG = 45.0  # rotations are between minus and plus this
PLACES = 32  # of a centre each way, a pixel apart
RADIUS = 10.0  # pixels from the centre of a sprite of scale 1 to its side


def sprites(
    *, generator: Generator, digits: str, train: int, test: int, judged_on: str = "test"
) -> Groups:
    """`train` and `test` images of each group, (1, 64, 64), every factor drawn on its own.

    Shape, scale (0.5 to 1), rotation (degrees, clockwise), x and y (0 to 1) of the sprite are
    known exactly, and of the digits how bright they are on average (0 to 1). No digit of the
    test is one of training.

    Differs: sprites are drawn by code, since the file of dSprites is not asked for.
    """
    pools = sklearn_digits(generator) if digits == "sklearn" else _mnist()
    below = np.concatenate(
        [_grids(*pool, 2 * n, generator) for pool, n in zip(pools, (train, test), strict=True)]
    )
    target = np.repeat([False, True, False, True], [train, train, test, test])
    known = _drawn_factors(train + test, generator)
    pixels = below.copy()
    pixels[target] = laid_over(below[target], draw(**known))
    rows = torch.arange(len(target))
    split = hold_out(rows[: 2 * train], rows[2 * train :], judged_on, generator)
    x = torch.from_numpy(pixels)[:, None]
    bright = Factor("brightness of digits", below.mean((1, 2)) / 255, belongs="common")
    return Groups(
        f"sprites on a grid of {digits} digits",
        "sprites",
        x,
        torch.from_numpy(target),
        *split,
        rows.tolist(),
        (bright, *_factors(known, target)),
        read=partial(read_images, shape=tuple(x.shape[1:])),
    )


def draw(
    *, shape: np.ndarray, scale: np.ndarray, rotation: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """White sprites on black, (N, 64, 64) uint8, by positions in `SHAPES`, scales, degrees, places.

    Shapes:  all (N,);  x and y of 0..1 put a centre 16 to 47 pixels from the left and the top.
    """
    pixel = np.arange(SIDE)
    across, down = (CELL / 2 + (PLACES - 1) * each[:, None, None] for each in (x, y))
    right, low = pixel[None, None, :] - across, pixel[None, :, None] - down
    angle, size = np.deg2rad(rotation)[:, None, None], RADIUS * scale[:, None, None]
    u = (np.cos(angle) * right + np.sin(angle) * low) / size
    v = (np.cos(angle) * low - np.sin(angle) * right) / size
    inside = np.select(
        [(shape == i)[:, None, None] for i in range(len(SHAPES))],
        [
            np.maximum(abs(u), abs(v)) <= 1,
            u**2 + (2 * v) ** 2 <= 1,
            (u**2 + v**2 - 0.7) ** 3 <= -(u**2) * v**3,  # v grows downwards: the point is below
        ],
    )
    return np.where(inside, 255, 0).astype(np.uint8)


def laid_over(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """The sum of two images, white where it is more than white."""
    return np.minimum(below.astype(np.uint16) + above, 255).astype(np.uint8)


def _grids(pixels: np.ndarray, labels: np.ndarray, n: int, generator: Generator) -> np.ndarray:
    """n grids, each digit drawn from the pool with repetition."""
    made = np.zeros((n, SIDE, SIDE), np.uint8)
    for digit, top, left in CELLS:
        own = pixels[labels == digit]
        chosen = torch.randint(len(own), (n,), generator=generator).numpy()
        made[:, top : top + CELL, left : left + CELL] = _in_cells(own)[chosen]
    return made


def _mnist() -> list[tuple[np.ndarray, np.ndarray]]:
    return [(part.pixels, part.labels) for part in map(mnist, ("train", "test"))]


def _in_cells(pixels: np.ndarray) -> np.ndarray:
    """Digits enlarged by a whole number, with a frame in black of two pixels or more."""
    times = (CELL - 4) // pixels.shape[1]
    large = pixels.repeat(times, 1).repeat(times, 2)
    frame = (CELL - large.shape[1]) // 2
    return np.pad(large, ((0, 0), (frame, frame), (frame, frame)))


def _drawn_factors(n: int, generator: Generator) -> dict[str, np.ndarray]:
    def below(count: int) -> np.ndarray:
        return torch.randint(count, (n,), generator=generator).numpy()

    turn = 2 * torch.rand(n, generator=generator, dtype=torch.float64).numpy() - 1
    return {
        "shape": below(len(SHAPES)),
        "scale": SCALES[below(len(SCALES))],
        "rotation": TURN_DEG * turn,
        "x": below(PLACES) / (PLACES - 1),
        "y": below(PLACES) / (PLACES - 1),
    }


def _factors(known: dict[str, np.ndarray], target: np.ndarray) -> tuple[Factor, ...]:
    """What is known of the sprites of the targets, unknown of the background."""
    found = []
    for name, values in known.items():
        classes = SHAPES if name == "shape" else ()
        every = np.full(len(target), -1 if classes else np.nan)
        every[target] = values
        found.append(Factor(name, every.astype(int) if classes else every, classes, "salient"))
    return tuple(found)
