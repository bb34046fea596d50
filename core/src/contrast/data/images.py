"""MNIST and CIFAR-10 as arrays of bytes, from their public files. Nothing is ever unpickled.

    train = mnist("train")
    train.pixels, train.labels  # (60000, 28, 28) uint8 and (60000,) int64

A file is looked for below `CONTRAST_DATA_DIR` in `images/mnist/` and `images/cifar10/`, then in the
cache, then at its public address.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from contrast.data.checksum import file_sha256
from contrast.data.sources import Source, fetch, local_path
from contrast.errors import DataError, did_you_mean, listing

Part = Literal["train", "test"]

# By file: the checksum of the public download, its size, and the checksum of what it unpacks to.
MNIST = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        4_542,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
CIFAR10 = Source(
    "images/cifar10/cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    170_052_171,
)
CIFAR10_JPEG = {
    "train": "4ba1cb01e93b8df6ec15dfc9bfae2eb44cb3e038752b67fcea617aff67ed6ad0",
    "test": "0f8571c88a654a640cbb79f697caaa87b842377e4f2391f86501fe38d13c2057",
}
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True)
class Images:
    """Labelled images of one size, in memory; `origin` is the file that the pixels came from.

    Shapes:  pixels: (N, H, W) uint8 grey or (N, H, W, 3) uint8 RGB;  labels: (N,) int64, each the
    position of a name in `classes`.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    origin: Path


def mnist(part: Part) -> Images:
    """Handwritten digits, 28 x 28 grey: 60000 to train on, 10000 to test (LeCun, Cortes, Burges).

    What counts is the checksum of the unpacked files, so that a local copy may be compressed anew.

    Raises: DataError: an unknown part, or a file that cannot be had or has other content.
    """
    prefix = {"train": "train", "test": "t10k"}[_checked(part)]
    origin, pixels = _unpacked(f"{prefix}-images-idx3-ubyte.gz")
    _, labels = _unpacked(f"{prefix}-labels-idx1-ubyte.gz")
    return Images(
        pixels=np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28).copy(),
        labels=np.frombuffer(labels, np.uint8, offset=8).astype(np.int64),
        classes=tuple("0123456789"),
        origin=origin,
    )


def cifar10(part: Part) -> Images:
    """Photographs of ten things, 32 x 32 RGB: 50000 to train on, 10000 to test (Krizhevsky, 2009).

    The source is the authors' archive in its binary format (their other formats hold pickles).
    Where the local folder has no archive but `cifar10_PART_jpeg.npz`, that is read instead: the
    same images, but stored as JPEG once more, so that pixels are near and not equal, and sorted by
    class. `origin` tells the two apart; figures on one are no figures on the other.

    Raises: DataError: an unknown part, or a file that cannot be had or has other content.
    """
    _checked(part)
    jpeg = local_path(f"images/cifar10/cifar10_{part}_jpeg.npz")
    if jpeg is not None and local_path(CIFAR10.name) is None:
        return _from_jpeg(jpeg, CIFAR10_JPEG[part])
    return _from_archive(fetch(CIFAR10), part)


def _checked(part: str) -> str:
    known = ("train", "test")
    if part not in known:
        raise DataError(
            f"unknown part {part!r}{did_you_mean(part, known)}\nThere are {listing(known)}."
        )
    return part


def _unpacked(name: str) -> tuple[Path, bytes]:
    """Where a file of MNIST lies, and what it unpacks to."""
    packed_sha256, size, sha256 = MNIST[name]
    url = f"https://storage.googleapis.com/cvdf-datasets/mnist/{name}"
    source = Source(f"images/mnist/{name}", url, packed_sha256, size)
    path = local_path(source.name) or fetch(source)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be unpacked: {error}\nReplace it by {url}.") from error
    _compare(path, hashlib.sha256(content).hexdigest(), sha256, f"Replace it by {url}.")
    return path, content


def _compare(path: Path, found: str, expected: str, advice: str) -> None:
    if found != expected:
        raise DataError(
            f"{path} differs from the published images: expected SHA-256 {expected}, got {found}\n"
            + advice
        )


def _from_archive(path: Path, part: Part) -> Images:
    """A record is a byte of label and 3 x 32 x 32 bytes of pixels, red before green before blue."""
    files = (
        [f"data_batch_{number}" for number in range(1, 6)] if part == "train" else ["test_batch"]
    )
    with tarfile.open(path, "r:gz") as archive:
        bins = [archive.extractfile(f"cifar-10-batches-bin/{name}.bin") for name in files]
        content = b"".join(file.read() for file in bins if file is not None)
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    labels = records[:, 0].astype(np.int64)
    return Images(np.ascontiguousarray(pixels), labels, CIFAR10_CLASSES, path)


def _from_jpeg(path: Path, sha256: str) -> Images:
    """Image i is the JPEG stream from offset i to offset i + 1."""
    from PIL import Image

    advice = f"Remove it, and the images come from {CIFAR10.url}."
    _compare(path, file_sha256(path), sha256, advice)
    with np.load(path, allow_pickle=False) as stored:
        streams, offsets, labels = stored["jpeg"], stored["offset"], stored["label"]
    pixels = np.empty((len(labels), 32, 32, 3), np.uint8)
    for index, (start, end) in enumerate(pairwise(offsets)):
        with Image.open(BytesIO(streams[start:end].tobytes())) as image:
            pixels[index] = image.convert("RGB")
    return Images(pixels, labels.astype(np.int64), CIFAR10_CLASSES, path)
