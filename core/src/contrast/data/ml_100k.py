"""The files of MovieLens-100k: from the installed `recbole` package, which ships them, or fetched.

Their terms do not allow passing them on. The package is found and never imported.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from contrast.data.checksum import file_sha256
from contrast.data.sources import Source, fetch
from contrast.errors import DataError

COMMIT = "a6593e9c3d8f9dae69a47a6da67efe530eeb277c"
FOLDER = "recbole/dataset_example/ml-100k"
CHECKSUMS = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}


def ml_100k_file(name: str) -> Path:
    """One of the files, `ml-100k.inter`, `.item` or `.user`: tab-separated, a header with types.

    Raises: DataError: the installed file is another version, or there is none and no network.
    """
    package = find_spec("recbole")
    if package is not None and package.submodule_search_locations:
        path = Path(package.submodule_search_locations[0], "dataset_example", "ml-100k", name)
        if path.is_file():
            if file_sha256(path) != CHECKSUMS[name]:
                raise DataError(
                    f"{path} is not the published file; `pip install --force-reinstall recbole`"
                )
            return path
    url = f"https://raw.githubusercontent.com/RUCAIBox/RecBole/{COMMIT}/{FOLDER}/{name}"
    return fetch(Source(f"ml-100k/{name}", url, CHECKSUMS[name]))
