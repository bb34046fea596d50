from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contrast.data import images
from contrast.data.images import CIFAR10, CIFAR10_CLASSES, cifar10, mnist
from contrast.data.sources import Source
from contrast.errors import DataError

DATA_DIR = os.environ.get("CONTRAST_DATA_DIR", "")  # before the fixture takes it away


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of local copies."""
    path = tmp_path / "data"
    path.mkdir()
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(path))
    return path


@pytest.fixture
def digits(folder, monkeypatch):
    """Two digits to train on as local copies, and their pixels."""
    pixels = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28)
    contents = {
        "train-images-idx3-ubyte.gz": b"\0" * 16 + pixels.tobytes(),
        "train-labels-idx1-ubyte.gz": b"\0" * 8 + bytes([7, 3]),
    }
    for name, content in contents.items():
        put(folder, f"images/mnist/{name}", gzip.compress(content))
        sums = (*images.MNIST[name][:2], hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(images.MNIST, name, sums)
    return pixels


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def archive(folder: Path, monkeypatch) -> np.ndarray:
    """A local archive of six batches of one image, batch i of class i; the red planes."""
    rng = np.random.default_rng(0)
    planes = rng.integers(256, size=(6, 3, 32, 32), dtype=np.uint8)
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for label, (name, image) in enumerate(zip(names, planes, strict=True)):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = 1 + image.size
            tar.addfile(member, io.BytesIO(bytes([label]) + image.tobytes()))
    put(folder, CIFAR10.name, packed.getvalue())
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    monkeypatch.setattr(images, "CIFAR10", Source(CIFAR10.name, CIFAR10.url, digest))
    return planes


def jpegs(folder: Path, monkeypatch) -> Path:
    """A local copy of two images stored as JPEG, one black of class 9, one white of class 1."""
    streams = []
    for grey in (0, 255):
        stream = io.BytesIO()
        Image.fromarray(np.full((32, 32, 3), grey, np.uint8)).save(stream, "JPEG")
        streams.append(np.frombuffer(stream.getvalue(), np.uint8))
    stored = io.BytesIO()
    np.savez(
        stored,
        jpeg=np.concatenate(streams),
        offset=np.cumsum([0, *map(len, streams)]),
        label=np.array([9, 1], np.uint8),
    )
    digest = hashlib.sha256(stored.getvalue()).hexdigest()
    monkeypatch.setitem(images.CIFAR10_JPEG, "test", digest)
    return put(folder, "images/cifar10/cifar10_test_jpeg.npz", stored.getvalue())


def test_mnist_is_read_behind_its_headers(digits):
    found = mnist("train")
    assert (found.pixels == digits).all()
    assert found.labels.tolist() == [7, 3]
    assert found.pixels.flags.writeable  # torch.from_numpy warns of any other


def test_a_local_copy_of_mnist_may_be_compressed_anew(digits, folder):
    path = folder / "images/mnist/train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))
    assert (mnist("train").pixels == digits).all()


def test_a_copy_of_mnist_with_one_other_pixel_is_refused(digits, folder):
    path = folder / "images/mnist/train-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError, match=r"(?s)train-images.*differs.*Replace it by https"):
        mnist("train")


@pytest.mark.parametrize("damage", [lambda packed: packed[:-20], lambda packed: b"no gzip"])
def test_a_file_that_does_not_unpack_is_named(digits, folder, damage):
    path = folder / "images/mnist/train-labels-idx1-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"train-labels.*cannot be unpacked"):
        mnist("train")


def test_cifar_records_become_images_with_the_channels_last(folder, monkeypatch):
    planes = archive(folder, monkeypatch)
    train, test = cifar10("train"), cifar10("test")
    assert train.labels.tolist() == [0, 1, 2, 3, 4]
    assert test.labels.tolist() == [5]
    assert (np.moveaxis(train.pixels, 3, 1) == planes[:5]).all()
    assert (test.pixels[0, :, :, 2] == planes[5, 2]).all()


def test_jpeg_streams_are_read_where_they_begin(folder, monkeypatch):
    path = jpegs(folder, monkeypatch)
    found = cifar10("test")
    assert found.pixels.min(axis=(1, 2, 3)).tolist() == [0, 255]
    assert [found.classes[label] for label in found.labels] == ["truck", "automobile"]
    assert found.origin == path


def test_the_archive_comes_before_the_copy_stored_as_jpeg(folder, monkeypatch):
    jpegs(folder, monkeypatch)
    archive(folder, monkeypatch)
    assert cifar10("test").origin.name == "cifar-10-binary.tar.gz"


def test_a_copy_stored_as_jpeg_with_other_content_is_refused(folder, monkeypatch):
    path = jpegs(folder, monkeypatch)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match=r"cifar10_test_jpeg\.npz differs"):
        cifar10("test")


@pytest.mark.parametrize("read", [mnist, cifar10])
def test_an_unknown_part_is_answered_with_the_nearest(read):
    with pytest.raises(DataError, match=r"unknown part 'tests'; did you mean `test`\?"):
        read("tests")


def test_the_test_digits_are_those_that_everybody_knows(monkeypatch):
    if not Path(DATA_DIR, "images/mnist").is_dir() or not DATA_DIR:
        pytest.skip("no MNIST: CONTRAST_DATA_DIR names no folder with images/mnist")
    monkeypatch.setenv("CONTRAST_DATA_DIR", DATA_DIR)
    found = mnist("test")
    assert found.pixels.shape == (10000, 28, 28)
    assert found.labels[:5].tolist() == [7, 2, 1, 0, 4]


def test_each_class_of_the_photographs_has_a_thousand_to_test(monkeypatch):
    if not Path(DATA_DIR, "images/cifar10").is_dir() or not DATA_DIR:
        pytest.skip("no CIFAR-10: CONTRAST_DATA_DIR names no folder with images/cifar10")
    monkeypatch.setenv("CONTRAST_DATA_DIR", DATA_DIR)
    found = cifar10("test")
    assert found.pixels.shape == (10000, 32, 32, 3)
    assert np.bincount(found.labels).tolist() == [1000] * len(CIFAR10_CLASSES)
