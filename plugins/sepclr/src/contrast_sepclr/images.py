"""Images from files, brought to one size: those of the run, and new ones later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from contrast.data.files import DEEP, image_files, opened_image, require_file


def read_image(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An image as `shape` (C, H, W) uint8, squeezed to that size; C is 1 (grey) or 3 (RGB).

    Grey images of more than 8 bits are scaled from their own least to their own greatest value.

    Raises: DataError: it cannot be read.
    """
    from PIL import Image

    channels, height, width = shape
    with opened_image(path) as image:
        shown = _in_8_bits(image) if image.mode.startswith(DEEP) else image
        shown = shown.convert("RGB" if channels == 3 else "L")
        pixels = np.asarray(shown.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)


def read_images(path: Path | str, shape: tuple[int, ...]) -> tuple[Tensor, list[str]]:
    """New images, one file or all below a folder: (M, C, H, W) uint8, and their names.

    Raises: DataError: there is none, or one cannot be read.
    """
    path = Path(path)
    paths = image_files(path) if path.is_dir() else [path]
    require_file(paths[0])
    x = torch.from_numpy(np.stack([read_image(each, shape) for each in paths]))
    return x, [str(each.relative_to(path)) if path.is_dir() else each.name for each in paths]


def _in_8_bits(image):
    from PIL import Image

    values = np.asarray(image, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinity")
    low, high = values.min(), values.max()
    scaled = (values - low) * (255 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
