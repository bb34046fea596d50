"""NIfTI volumes that a table lists, resampled to a small cube."""

from __future__ import annotations

import gzip
import importlib.util
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate

from contrast.data.files import require_file
from contrast.data.tables import read_table, require_columns
from contrast.errors import DataError
from contrast_sepclr.data import Groups, split_units
from contrast_sepclr.table import factors_of, target_of, units_of


def volumes(
    *,
    generator: Generator,
    path: str,
    file: str,
    group: str,
    control: str,
    subject: str,
    covariates: tuple[str, ...],
    side: int,
    test_share: float,
) -> Groups:
    """One volume a row; each is standardised by its own mean and deviation.

    Raises: DataError: nibabel, a file or a column is missing, or a volume cannot be read.
    """
    if importlib.util.find_spec("nibabel") is None:
        raise DataError("volumes need nibabel: pip install 'contrast-sepclr[volumes]'")
    text = [name for name in (group, subject, file) if name]
    frame = read_table(path, text=text)
    require_columns(frame, [*text, *covariates], path)
    is_target, kinds = target_of(frame, group, control, path)
    places = [Path(path).parent / str(name) for name in frame[file]]
    units = units_of(frame, subject, path)
    split = split_units(is_target, units, test_share, generator, path)
    x = torch.stack([read_volume(place, side) for place in places])
    ids = [str(name) for name in frame[file]]
    factors = factors_of(frame, covariates) + kinds
    target = torch.from_numpy(is_target)
    read = partial(read_new_volume, side=side)
    return Groups(Path(path).name, "volume", x, target, *split, ids, factors, read=read)


def read_new_volume(path: Path | str, side: int) -> tuple[Tensor, list[str]]:
    """One new volume as (1, 1, side, side, side), and its name.

    Raises: DataError: it cannot be read.
    """
    require_file(Path(path))
    return read_volume(Path(path), side)[None], [Path(path).name]


def read_volume(path: Path, side: int) -> Tensor:
    """One volume as (1, side, side, side) float32 of mean 0 and deviation 1.

    Axes run left to right, back to front, and up, as the file's affine says. Voxels are averaged.

    Raises: DataError: it is missing, no NIfTI file, not 3-D, or not finite.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        _check_sum(path)
        image = nibabel.as_closest_canonical(nibabel.load(path))
        voxels = np.ascontiguousarray(image.get_fdata(dtype=np.float32))
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path} cannot be read as NIfTI: {reason}") from error
    if voxels.ndim == 4 and voxels.shape[3] == 1:
        voxels = voxels[..., 0]
    if voxels.ndim != 3:
        raise DataError(f"{path} must be a 3-D volume, got shape {voxels.shape}")
    if not np.isfinite(voxels).all():
        raise DataError(f"{path} holds NaN or infinity")
    cube = interpolate(torch.from_numpy(voxels)[None, None], size=3 * (side,), mode="area")
    return ((cube - cube.mean()) / cube.std().clamp(min=1e-6))[0]


def _check_sum(path: Path) -> None:
    """Read a .gz to its end, where its checksum stands: nibabel stops after the last voxel."""
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            while packed.read(1 << 20):
                pass
