"""Images with a number each: a folder with a table of labels, and digits turned by an angle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from torch import Generator

from contrast.data.files import DEEP, image_files, opened_image, require_file
from contrast.data.tables import read_table
from contrast.errors import DataError
from contrast_supremix.data import Rows, samples_of
from contrast_supremix.labels import Labelled, read_labels, require_filled

FURTHEST = 60  # degrees that a digit is turned by, to either side
SIDES = {"scikit-learn": 16, "mnist": 28}
MOST = 6000  # digits


@dataclass(frozen=True)
class Pictures:
    """Images of one size from files that a column of a table names."""

    column: str = "file"
    side: int = 32
    grey: bool = False

    def matrix(self, frame: pd.DataFrame, source: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """The images, (N, C, H, W) uint8; names are relative to the table's folder.

        Raises: DataError: the column is missing or empty, or a file is missing or no image.
        """
        require_filled(frame, (self.column,), source)
        folder = Path(source) if Path(source).is_dir() else Path(source).parent
        names = frame[self.column].astype(str)
        found = [self._read(folder / name, source) for name in names]
        return np.stack(found), ()

    def read(self, path: Path) -> tuple[pd.DataFrame, np.ndarray, tuple[str, ...]]:
        """The images that a table names, or all of a folder."""
        if path.is_dir():
            names = [str(each.relative_to(path)) for each in image_files(path)]
            frame = pd.DataFrame({self.column: names})
        else:
            frame = read_table(path, [self.column])
        return frame, *self.matrix(frame, str(path))

    def _read(self, path: Path, source: str) -> np.ndarray:
        """One image, (C, H, W): as large as fits, edges black."""
        from PIL import Image, ImageOps

        require_file(path, named_in=source)
        with opened_image(path) as image:
            if image.mode.startswith(DEEP):
                raise DataError(f"{path} has more than 8 bits a pixel; save it with 8")
            own = image.convert("L" if self.grey else "RGB")
            own = ImageOps.pad(own, (self.side, self.side), Image.Resampling.BILINEAR)
            pixels = np.asarray(own)
        return pixels[None] if self.grey else pixels.transpose(2, 0, 1)


def images(
    *,
    generator: Generator,
    path: str,
    labels: str,
    file: str,
    target: str,
    group: str,
    side: int,
    log_target: bool,
    valid_share: float,
    held_share: float,
) -> Rows:
    """The user's own images: a folder, and in it a table with a row an image.

    Raises: DataError: no such folder, table, column or image, or a target that nothing can be
    learnt of.
    """
    if not Path(path).is_dir():
        raise DataError(f"`data.path` must be a folder of images, got {path!r}")
    source = str(Path(path) / labels)
    frame = read_labels(source, target, group, file)
    known = Labelled.of(frame, target, source, group=group, log_target=log_target)
    reader = Pictures(file, side)
    x, _ = reader.matrix(known.frame, source)
    made = samples_of(known, x, reader, kind="image", ids=known.frame[file].tolist())
    return made.parted(generator, valid_share, held_share)


def digits(
    *,
    generator: Generator,
    source: Literal["scikit-learn", "mnist"],
    digit: int,
    log_target: bool,
    valid_share: float,
    held_share: float,
) -> Rows:
    """Handwritten digits, each turned by an angle between -60 and 60 degrees, which is predicted.

    Angles are drawn once for all seeds. A negative `digit` takes all digits.

    Raises: DataError: MNIST cannot be had, or the logarithm of an angle is asked for.
    """
    found, which = _upright(source)
    if digit >= 0:
        found = found[which == digit]
    drawn = np.random.default_rng(0)
    chosen = np.sort(drawn.permutation(len(found))[:MOST])
    angles = drawn.uniform(-FURTHEST, FURTHEST, len(chosen))
    x = np.stack([_turned(found[i], a, SIDES[source]) for i, a in zip(chosen, angles, strict=True)])
    known = Labelled.of(
        pd.DataFrame({"angle": angles}), "angle", f"digits of {source}", log_target=log_target
    )
    made = samples_of(known, x[:, None], Pictures(side=SIDES[source], grey=True), kind="image")
    return made.parted(generator, valid_share, held_share)


def _upright(source: str) -> tuple[np.ndarray, np.ndarray]:
    """Digits as bytes, (N, H, W), and which they are, (N,)."""
    if source == "mnist":
        from contrast.data.images import mnist

        parts = [mnist(part) for part in ("train", "test")]
        return tuple(np.concatenate([getattr(p, k) for p in parts]) for k in ("pixels", "labels"))
    from sklearn.datasets import load_digits

    found: Any = load_digits()
    return (found.images * (255 / 16)).round().astype(np.uint8), found.target


def _turned(pixels: np.ndarray, angle: float, side: int) -> np.ndarray:
    """An image of a size, turned against the clock by degrees."""
    from PIL import Image

    image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image.rotate(angle, Image.Resampling.BILINEAR))
