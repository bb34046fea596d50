"""Kept graphs on disk, under a hash of all that decides them: safe to delete at any time."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import platformdirs
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from contrast_meow.cut import Ties, cut

VERSION = 2


def cache_folder() -> Path:
    """Where kept graphs are stored: the user's cache folder."""
    return platformdirs.user_cache_path("contrast") / "meow"


def kept_graph(
    half: sparse.csr_array, keep: int, ties: Ties, folder: Path | None = None
) -> sparse.csr_array:
    """`cut(half, keep, ties)`, read from `folder` where it was computed before.

    A file that is damaged is computed anew; a folder that cannot be written is done without.
    """
    if folder is None or ties.rule == "official":  # which another processor would decide otherwise
        return cut(half, keep, ties)
    path = folder / f"{content_hash(half, keep, ties)}.safetensors"
    try:
        return _read(path, half.shape[0])
    except (OSError, SafetensorError, KeyError, ValueError):
        kept = cut(half, keep, ties)
    with suppress(OSError, SafetensorError):  # the latter where the disk is full
        _write(path, kept)
    return kept


def content_hash(half: sparse.csr_array, keep: int, ties: Ties) -> str:
    """A hash of the incidence matrix, the cut and the order of ties."""
    digest = hashlib.sha256(f"{VERSION} {half.shape} {keep} {ties.rule}".encode())
    for array, kind in (
        (half.indptr, np.int64),
        (half.indices, np.int64),
        (half.data, np.float64),
        (ties.rank, np.int64),
    ):
        digest.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return digest.hexdigest()


def _read(path: Path, N: int) -> sparse.csr_array:
    held = load_file(path)
    return sparse.csr_array((held["data"], held["indices"], held["indptr"]), shape=(N, N))


def _write(path: Path, kept: sparse.csr_array) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        save_file({"data": kept.data, "indices": kept.indices, "indptr": kept.indptr}, part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
