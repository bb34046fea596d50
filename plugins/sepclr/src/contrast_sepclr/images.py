"""Images from files, brought to one size: those of the run, and new ones later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from contrast.errors import DataError, did_you_mean, listing

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
DEEP = ("I", "F")  # Pillow's modes of more than 8 bits, as in scans and microscopy


def image_files(folder: Path) -> list[Path]:
    """All images below a folder in the order of their names, hidden ones left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(path for path in found if not path.name.startswith("."))


def read_image(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An image as `shape` (C, H, W) uint8, squeezed to that size; C is 1 (grey) or 3 (RGB).

    Grey images of more than 8 bits are scaled from their own least to their own greatest value.

    Raises: DataError: it cannot be read.
    """
    from PIL import Image

    channels, height, width = shape
    try:
        with Image.open(path) as image:
            shown = _in_8_bits(image) if image.mode.startswith(DEEP) else image
            shown = shown.convert("RGB" if channels == 3 else "L")
            pixels = np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken files
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as an image: {reason}\nRepair or remove it."
        ) from error
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def read_images(path: Path | str, shape: tuple[int, ...]) -> tuple[Tensor, list[str]]:
    """New images, one file or all below a folder: (M, C, H, W) uint8, and their names.

    Raises: DataError: there is none, or one cannot be read.
    """
    path = Path(path)
    paths = image_files(path) if path.is_dir() else [path]
    if not paths:
        raise DataError(f"{path} holds no images (files in {listing(SUFFIXES)})")
    require_file(paths[0])
    x = torch.from_numpy(np.stack([read_image(each, shape) for each in paths]))
    return x, [str(each.relative_to(path)) if path.is_dir() else each.name for each in paths]


def require_file(path: Path) -> None:
    """Raises: DataError: there is no such file; the message names the nearest."""
    if not path.is_file():
        near = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"{path} does not exist{did_you_mean(path.name, near)}")


def _in_8_bits(image):
    from PIL import Image

    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinity")
    low, high = values.min(), values.max()
    scaled = (values - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
