"""Arrays of the user's own, several by name in an .npz."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from zipfile import BadZipFile

import numpy as np

from contrast.data.files import require_file
from contrast.errors import DataError, did_you_mean, listing

DAMAGED = (OSError, ValueError, EOFError, BadZipFile, zlib.error, NotImplementedError)
BAD_HEADER = (SyntaxError, TokenError)  # numpy reads an array's shape as Python text


def read_arrays(
    path: Path, needed: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """The needed arrays of an .npz, and those optional ones that it has, by name.

    Raises: DataError: the file is missing, damaged or no .npz, an array holds Python objects, or a
    needed one is not there; the message has the nearest name beside it.
    """
    require_file(path)
    try:
        held = np.load(path, allow_pickle=False)
        if not isinstance(held, np.lib.npyio.NpzFile):
            raise DataError(f"{path} is one array; write several by name with numpy.savez")
        with held:
            for name in needed:
                if name not in held.files:
                    near = did_you_mean(name, held.files)
                    raise DataError(
                        f"{path} has no array `{name}`{near}\nIt has {listing(held.files)}."
                    )
            return {name: held[name] for name in (*needed, *optional) if name in held.files}
    except (*DAMAGED, *BAD_HEADER) as error:
        raise DataError(
            f"{path} cannot be read as .npz; write it with numpy.savez, without Python objects"
        ) from error
