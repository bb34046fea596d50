"""The user's own files: whether they are there, and images among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from contrast.errors import DataError, did_you_mean, listing

if TYPE_CHECKING:
    from PIL.Image import Image

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
DEEP = ("I", "F")  # what Pillow's modes of more than 8 bits begin with, as in scans


def require_file(path: Path, named_in: str = "") -> None:
    """Check that a file is there; `named_in` is the table that names it, for the message.

    Raises: DataError: it is missing or a folder; the message has the nearest name beside it.
    """
    if path.is_file():
        return
    kind = "is a folder" if path.is_dir() else "does not exist"
    near = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    who = f"{path}, named in {named_in}," if named_in else str(path)
    raise DataError(f"{who} {kind}{did_you_mean(path.name, near)}")


def image_files(folder: Path) -> list[Path]:
    """All images below a folder in the order of their names, hidden ones left out.

    Raises: DataError: there is none.
    """
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGES)
    shown = sorted(path for path in found if not path.name.startswith("."))
    if not shown:
        raise DataError(f"{folder} holds no images (files in {listing(IMAGES)})")
    return shown


@contextmanager
def opened_image(path: Path) -> Iterator[Image]:
    """An image in Pillow's hands, upright where the camera noted how it was held.

    Raises: DataError: it cannot be read, or the block cannot use it.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            yield ImageOps.exif_transpose(image)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for broken files
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{path} cannot be read as an image: {reason}\nRepair or remove it."
        ) from error
