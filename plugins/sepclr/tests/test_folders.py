import numpy as np
import pytest
import torch
from PIL import Image

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_sepclr.folders import folders
from contrast_sepclr.images import read_image, read_images


def save(path, size=(12, 9), colour=(200, 10, 10), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)


@pytest.fixture
def two(tmp_path):
    """Six images of unlike sizes in each of two folders."""
    for i in range(6):
        save(tmp_path / f"healthy/{i}.png", (10 + i, 8))
        save(tmp_path / f"ill/{i}.jpg", (9, 20 - i), (0, 0, 40 * i))
    return tmp_path


def read(home, **changed):
    settings = {
        "background": str(home / "healthy"), "target": str(home / "ill"), "side": 8, "test_share": 0.25
    }  # fmt: skip
    return folders(generator=generator(0), **(settings | changed))


def test_images_of_unlike_sizes_become_one_size(two):
    data = read(two)
    assert data.x.shape == (12, 3, 8, 8)
    assert data.x.dtype == torch.uint8
    assert data.is_target.tolist() == [False] * 6 + [True] * 6
    assert data.ids[0] == "healthy/0.png"
    assert data.name == "ill against healthy"


def test_folders_of_one_name_give_ids_that_differ(two):
    for i in range(6):
        save(two / f"healthy/images/{i}.png")
        save(two / f"ill/images/{i}.png")
    data = read(two, background=str(two / "healthy/images"), target=str(two / "ill/images"))
    assert data.ids[0] == "healthy/images/0.png"
    assert len(set(data.ids)) == 12
    assert data.name == "ill/images against healthy/images"


def test_both_groups_stand_on_both_sides(two):
    data = read(two)
    for rows in (data.train, data.test):
        assert data.is_target[rows].any()
        assert not data.is_target[rows].all()
    assert not set(data.train.tolist()) & set(data.test.tolist())


def test_subfolders_of_the_target_become_its_classes(two):
    for i in range(3):
        save(two / f"ill/early/{i}.png")
        save(two / f"ill/late/{i}.png")
    (factor,) = read(two).factors
    assert factor.classes == ("early", "late")
    assert factor.known.sum() == 6


def test_subfolders_that_both_groups_have_are_known_of_both(two):
    for kind in ("healthy", "ill"):
        for site in ("delft", "gouda"):
            save(two / kind / site / "a.png")
    (factor,) = read(two).factors
    assert factor.known.sum() == 4


def test_a_corrupt_image_is_named(two):
    path = two / "ill/2.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(
        DataError, match=r"2\.jpg cannot be read as an image: .*\nRepair or remove it"
    ):
        read(two)
    path.write_text("no image")
    with pytest.raises(DataError, match=r"2\.jpg cannot be read as an image"):
        read(two)


def test_hidden_files_are_left_out(two):
    (two / "ill/._2.jpg").write_text("what macOS leaves behind")
    assert len(read(two)) == 12


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"background": ""}, "`data.background` must be a folder of images, got ''"),
        ({"target": "none"}, "`data.target` must be a folder of images, got 'none'"),
    ],
)
def test_a_folder_that_is_missing_is_told_by_its_key(two, changed, words):
    with pytest.raises(DataError, match=words):
        read(two, **changed)


def test_empty_and_too_small_groups_are_refused(two):
    (two / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no images"):
        read(two, target=str(two / "empty"))
    for i in range(3):
        save(two / f"few/{i}.png")
    with pytest.raises(DataError, match=r"the target has 3 samples, expected at least 4"):
        read(two, target=str(two / "few"))


def test_one_folder_within_the_other_is_refused(two):
    save(two / "healthy/ill/0.png")
    with pytest.raises(DataError, match="one lies in the other"):
        read(two, target=str(two / "healthy/ill"))
    with pytest.raises(DataError, match="one lies in the other"):
        read(two, target=str(two / "healthy"))


def test_images_of_16_bits_keep_their_contrast(tmp_path):
    values = np.linspace(1000, 4000, 64).round().reshape(8, 8)
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "scan.png")
    pixels = read_image(tmp_path / "scan.png", (1, 8, 8))[0]
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert len(np.unique(pixels)) > 60
    Image.fromarray(values.astype(np.float32)).save(tmp_path / "scan.tiff")
    assert np.array_equal(read_image(tmp_path / "scan.tiff", (1, 8, 8))[0], pixels)
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "nan.tiff")
    with pytest.raises(DataError, match="NaN or infinity"):
        read_image(tmp_path / "nan.tiff", (1, 8, 8))


def test_grey_images_and_images_with_transparency_are_read(tmp_path):
    save(tmp_path / "grey.png", mode="L", colour=77)
    save(tmp_path / "clear.png", mode="RGBA", colour=(9, 8, 7, 128))
    assert (read_image(tmp_path / "grey.png", (3, 4, 4)) == 77).all()
    assert (read_image(tmp_path / "clear.png", (3, 4, 4))[0] == 9).all()


def test_new_images_are_read_as_the_old_ones(two):
    data = read(two)
    x, names = data.read(str(two / "ill"))
    assert torch.equal(x, data.x[6:])
    assert names == [f"{i}.jpg" for i in range(6)]
    x, names = data.read(str(two / "ill/3.jpg"))
    assert torch.equal(x[0], data.x[9])
    with pytest.raises(DataError, match=r"33\.jpg does not exist.*3\.jpg"):
        read_images(two / "ill/33.jpg", (3, 8, 8))
