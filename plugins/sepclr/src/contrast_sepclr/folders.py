"""Two folders of images, background and target."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator

from contrast.data.files import IMAGES, image_files
from contrast.errors import DataError, listing
from contrast_sepclr.data import Factor, Groups, check_groups, coded, split_units
from contrast_sepclr.images import read_image, read_images


def folders(
    *, generator: Generator, background: str, target: str, side: int, test_share: float
) -> Groups:
    """All images below the two folders, as RGB of side x side pixels.

    Subfolders become a factor: of both groups where both have the same, else of the target.

    Raises: DataError: a folder is missing, holds too few images or lies in the other, or an image
    cannot be read.
    """
    found = [_images(background, "background"), _images(target, "target")]
    _require_apart(background, target)
    is_target = np.repeat([False, True], [len(each) for each in found])
    check_groups(is_target, "the two folders", f"Images are files in {listing(IMAGES)}.")
    paths = found[0] + found[1]
    shape = (3, side, side)
    x = torch.from_numpy(np.stack([read_image(path, shape) for path in paths]))
    split = split_units(is_target, np.arange(len(paths)), test_share, generator, "the two folders")
    roots = [Path(background), Path(target)]
    factors = _subfolders(paths, roots, is_target)
    names = _names_apart(*roots)
    ids = [
        str(names[int(t)] / path.relative_to(roots[int(t)]))
        for path, t in zip(paths, is_target, strict=True)
    ]
    name = f"{names[1]} against {names[0]}"
    read, target_rows = partial(read_images, shape=shape), torch.from_numpy(is_target)
    return Groups(name, "photo", x, target_rows, *split, ids, factors, read=read)


def _images(folder: str, key: str) -> list[Path]:
    if not folder or not Path(folder).is_dir():
        raise DataError(f"`data.{key}` must be a folder of images, got {folder!r}")
    return image_files(Path(folder))


def _require_apart(background: str, target: str) -> None:
    first, second = Path(background).resolve(), Path(target).resolve()
    if first.is_relative_to(second) or second.is_relative_to(first):
        raise DataError(
            f"`data.background` {background!r} and `data.target` {target!r} share images: one lies "
            "in the other\nMove them to two folders side by side."
        )


def _names_apart(first: Path, second: Path) -> tuple[Path, Path]:
    """The ends of two paths, as many parts of them as tell one from the other."""
    a, b = first.absolute().parts, second.absolute().parts
    n = next(n for n in range(1, max(len(a), len(b)) + 1) if a[-n:] != b[-n:])
    return Path(*a[-n:]), Path(*b[-n:])


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
