import numpy as np
import pytest
from PIL import Image

from contrast.data.files import image_files, opened_image, require_file
from contrast.errors import DataError


def test_a_file_that_is_missing_is_told_with_the_nearest_and_who_names_it(tmp_path):
    (tmp_path / "ratings.csv").touch()
    require_file(tmp_path / "ratings.csv")
    with pytest.raises(DataError, match=r"rating.csv does not exist; did you mean `ratings.csv`"):
        require_file(tmp_path / "rating.csv")
    with pytest.raises(DataError, match=r"1.png, named in shelf.csv, does not exist"):
        require_file(tmp_path / "1.png", named_in="shelf.csv")
    with pytest.raises(DataError, match="is a folder"):
        require_file(tmp_path)
    with pytest.raises(DataError, match=r"does not exist$"):
        require_file(tmp_path / "no" / "folder.csv")


def test_images_are_found_below_a_folder_in_order_without_hidden_ones(tmp_path):
    (tmp_path / "inner").mkdir()
    for name in ("b.JPG", "a.png", "inner/c.tif", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    found = [str(each.relative_to(tmp_path)) for each in image_files(tmp_path)]
    assert found == ["a.png", "b.JPG", "inner/c.tif"]
    with pytest.raises(DataError, match=r"holds no images \(files in `\.png`"):
        image_files(tmp_path / "inner" / "c.tif")


def test_a_photo_is_turned_as_the_camera_was_held(tmp_path):
    image = Image.new("RGB", (2, 1))
    image.putpixel((0, 0), (255, 0, 0))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees with the clock
    image.save(tmp_path / "a.png", exif=exif)
    with opened_image(tmp_path / "a.png") as upright:
        assert upright.size == (1, 2)
        assert np.asarray(upright)[0, 0].tolist() == [255, 0, 0]


def test_what_is_no_image_or_ends_early_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    with (
        pytest.raises(DataError, match=r"a.png cannot be read as an image"),
        opened_image(tmp_path / "a.png"),
    ):
        pass
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(
        tmp_path / "b.png"
    )
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:900])
    with pytest.raises(DataError, match=r"b.png cannot be read"), opened_image(tmp_path / "b.png"):
        pass
