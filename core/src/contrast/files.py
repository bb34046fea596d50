"""Files that are either whole or not there."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content so that a reader or a crash sees the old or the new one whole.

    Raises: OSError: with the path, where the system refuses.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text)
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    except OSError as cause:  # a failed write does not say of which file
        draft.unlink(missing_ok=True)
        raise OSError(cause.errno, cause.strerror, str(path)) from None


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
