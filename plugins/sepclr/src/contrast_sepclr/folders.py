"""Two folders of images, background and target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Generator

from contrast.errors import DataError, listing
from contrast_sepclr.data import Factor, Groups, check_groups, coded, split_units

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def folders(
    *, generator: Generator, background: str, target: str, side: int, test_share: float
) -> Groups:
    """All images below the two folders, as RGB of side x side pixels.

    Subfolders become a factor: of both groups where both have the same, else of the target.

    Raises: DataError: a folder is missing or holds too few images, or an image cannot be read.
    """
    found = [_images(background, "background"), _images(target, "target")]
    is_target = np.repeat([False, True], [len(each) for each in found])
    check_groups(is_target, "the two folders", f"Images are files in {listing(SUFFIXES)}.")
    paths = found[0] + found[1]
    x = torch.from_numpy(np.stack([_read(path, side) for path in paths])).permute(0, 3, 1, 2)
    split = split_units(is_target, np.arange(len(paths)), test_share, generator, "the two folders")
    roots = [Path(background), Path(target)]
    factors = _subfolders(paths, roots, is_target)
    ids = [str(path.relative_to(roots[t].parent)) for path, t in zip(paths, is_target, strict=True)]
    name = f"{roots[1].name} against {roots[0].name}"
    return Groups(name, "photo", x.contiguous(), torch.from_numpy(is_target), *split, ids, factors)


def _images(folder: str, key: str) -> list[Path]:
    if not folder or not Path(folder).is_dir():
        raise DataError(f"`data.{key}` must be a folder of images, got {folder!r}")
    found = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(f"{folder} holds no images (files in {listing(SUFFIXES)})")
    return found


def _read(path: Path, side: int) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken files
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as an image: {reason}\nRepair or remove it."
        ) from error


def _subfolders(paths: list[Path], roots: list[Path], is_target: np.ndarray) -> tuple:
    names = []
    for path, target in zip(paths, is_target, strict=True):
        inner = path.parent.relative_to(roots[int(target)]).parts
        names.append(inner[0] if inner else None)
    own = {n for n, t in zip(names, is_target, strict=True) if t} - {None}
    if len(own) < 2:
        return ()
    shared = own == {n for n, t in zip(names, is_target, strict=True) if not t} - {None}
    kept = [n if t or shared else None for n, t in zip(names, is_target, strict=True)]
    return (Factor("subfolder", *coded(kept)),)
