"""Data files by name, address and checksum: the user's own copy, the cache, or a download.

    ACM = Source("acm/features.npz", "https://raw.github...", sha256="9f86d0...")
    path = fetch(ACM)

`fetch` looks in the folder that `CONTRAST_DATA_DIR` names, then in the user's cache folder, and
only then at the network. Whatever it returns has the declared SHA-256.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from contrast.data.checksum import file_sha256
from contrast.errors import DataError

if TYPE_CHECKING:
    from contrast.data.download import Opener, Progress

DATA_DIR_VARIABLE = "CONTRAST_DATA_DIR"


@dataclass(frozen=True)
class Source:
    """A file that never changes: its name below the data folder, its address, its checksum.

    `name` is relative with forward slashes; `url` is https and pinned (to a commit, to a release);
    `sha256` is hexadecimal; `size` in bytes is told to whoever watches the download.

    Raises: DataError: one of them is malformed.
    """

    name: str
    url: str
    sha256: str
    size: int | None = None

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if (
            not path.parts
            or path.is_absolute()
            or ".." in path.parts
            or re.search(r"[\\:]", self.name)
        ):
            raise DataError(f"a data file needs a relative name without `..`, got {self.name!r}")
        if not self.url.startswith("https://"):
            raise DataError(f"`{self.name}` needs an https address, got {self.url!r}")
        if not re.fullmatch("[0-9a-f]{64}", self.sha256):
            raise DataError(
                f"`{self.name}` needs 64 hexadecimal digits of SHA-256, got {self.sha256!r}"
            )


def fetch(
    source: Source, *, on_progress: Progress | None = None, opener: Opener | None = None
) -> Path:
    """The path of a file with the source's content, downloaded if it is not at hand.

    `on_progress(done, total)` hears of the bytes; `opener` replaces the way to the network.

    Raises: DataError: the local copy differs, the file cannot be had, or it has other content.
    """
    local = local_copy(source)
    if local is not None:
        return local
    target = cache_path(source)
    if not (target.is_file() and file_sha256(target) == source.sha256):
        _download(source, target, on_progress, opener)
    return target


def local_copy(source: Source) -> Path | None:
    """The user's own copy below `CONTRAST_DATA_DIR`, or None where there is none.

    Raises: DataError: that variable names no folder, or the copy has other content.
    """
    path = local_path(source.name)
    if path is None:
        return None
    found = file_sha256(path)
    if found != source.sha256:
        raise DataError(
            f"the local copy {path} differs from the published file: "
            f"expected SHA-256 {source.sha256}, got {found}\n"
            f"Replace it by {source.url} or remove it to have it downloaded."
        )
    return path


def local_path(name: str) -> Path | None:
    """The file of that name below `CONTRAST_DATA_DIR`, whatever it holds, or None.

    Raises: DataError: that variable names no folder.
    """
    folder = os.environ.get(DATA_DIR_VARIABLE)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise DataError(
            f"{DATA_DIR_VARIABLE} is {folder!r}, which is not a folder\n"
            "Create it, correct the variable, or unset it to use downloaded files."
        )
    path = Path(folder, name)
    return path if path.is_file() else None


def cache_path(source: Source) -> Path:
    """Where a download is kept: the checksum is in the name, so that versions live side by side."""
    from platformdirs import user_cache_path

    basename = PurePosixPath(source.name).name
    return user_cache_path("contrast") / "data" / f"{source.sha256[:16]}-{basename}"


def _download(
    source: Source, target: Path, on_progress: Progress | None, opener: Opener | None
) -> None:
    from contrast.data.download import download, open_https

    try:
        download(
            source.url,
            target,
            sha256=source.sha256,
            size=source.size,
            opener=opener or open_https,
            on_progress=on_progress,
        )
    except ConnectionError as error:
        place = Path(os.environ.get(DATA_DIR_VARIABLE) or f"${DATA_DIR_VARIABLE}", source.name)
        raise DataError(
            f"cannot download `{source.name}`: {error}\n"
            f"Without a network: put {source.url}\n"
            f"at {place}, where the variable {DATA_DIR_VARIABLE} names a folder of your choice."
        ) from error
    except OSError as error:
        raise DataError(f"cannot keep `{source.name}` in {target.parent}: {error}") from error
