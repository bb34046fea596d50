import numpy as np
import pandas as pd
import pytest
from PIL import Image

import contrast
from contrast.cli import main
from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_supremix import Predictor
from contrast_supremix.pictures import Pictures, digits, images

SHARES = {"valid_share": 0.2, "held_share": 0.133, "log_target": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty images of two sizes, the brighter the higher."""
    place = tmp_path_factory.mktemp("images")
    (place / "old").mkdir()
    draw, rows = np.random.default_rng(0), []
    for i in range(30):
        pixels = np.full((12 + i % 2, 12, 3), 8 * i, np.uint8)
        pixels[draw.integers(0, 12), draw.integers(0, 12)] += 1
        name = f"{'old/' if i % 3 else ''}{i:02}.png"
        Image.fromarray(pixels).save(place / name)
        rows.append((name, 100 + 10.0 * i, i // 5))
    pd.DataFrame(rows, columns=["file", "light", "shelf"]).to_csv(place / "labels.csv", index=False)
    return place


def own(folder, **changed):
    given = {"labels": "labels.csv", "file": "file", "target": "light", "group": "", "side": 8}
    return images(generator=generator(0), path=str(folder), **given | changed, **SHARES)


def test_a_folder_is_read_by_its_table(folder):
    rows = own(folder)
    assert rows.x.shape == (30, 3, 8, 8)
    assert rows.x.dtype == np.uint8
    assert (rows.kind, rows.ids[1]) == ("image", "old/01.png")
    assert abs(rows.x[20].mean() - 160) < 2
    parts = own(folder, group="shelf")
    held = set(parts.units[parts.split.held])
    assert not held & set(parts.units[parts.split.train])


def test_what_does_not_fit_keeps_its_shape_on_black(tmp_path):
    Image.fromarray(np.full((4, 8), 200, np.uint8)).save(tmp_path / "a.png")
    x, _ = Pictures(side=8, grey=True).matrix(pd.DataFrame({"file": ["a.png"]}), f"{tmp_path}/t")
    assert x[0, 0, :, 0].tolist() == [0, 0, 200, 200, 200, 200, 0, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": "lables.csv"}, "did you mean `labels.csv`"),
        ({"file": "name"}, "has no column `name`"),
        ({"target": ""}, r"data\.target=COLUMN"),
    ],
)
def test_a_folder_that_is_described_wrongly_is_refused(folder, change, message):
    with pytest.raises(DataError, match=message):
        own(folder, **change)


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(DataError, match="must be a folder of images"):
        own(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lost.png", r"lost.png, named in .*labels.csv, does not exist"),
        ("text.png", "cannot be read as an image"),
        ("deep.png", "more than 8 bits a pixel"),
        (None, "column `file` is empty in row 1"),
    ],
)
def test_an_image_that_cannot_be_read_is_named(tmp_path, name, message):
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(np.ones((4, 4), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(DataError, match=message):
        Pictures().matrix(pd.DataFrame({"file": [name]}), str(tmp_path / "labels.csv"))


def test_digits_are_turned_by_the_angle_that_is_predicted():
    rows = digits(generator=generator(0), source="scikit-learn", digit=0, **SHARES)
    assert rows.x.shape == (178, 1, 16, 16)
    assert np.abs(rows.y).max() <= 60
    again = digits(generator=generator(1), source="scikit-learn", digit=0, **SHARES)
    assert (again.y == rows.y).all()
    assert (again.x == rows.x).all()


def test_new_images_are_predicted_from_a_table_or_a_folder(folder, tmp_path):
    run = contrast.run(
        "supremix",
        data={"name": "images", "path": str(folder), "target": "light", "side": 8},
        trainer={"max_epochs": 30, "lr": 0.01},
        sampler={"batch_size": 8},
        evaluation={"compare": False},
        runs=tmp_path / "runs",
    ).folder
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), str(folder / "old"), "--out", str(tmp_path / "p.csv")])
    assert not ended.value.code
    found = pd.read_csv(tmp_path / "p.csv")
    assert found["file"][0] == "01.png"
    assert found["prediction"].corr(found["file"].str[:2].astype(float)) > 0.9
    table, said = Predictor.load(run).predict_file(folder / "labels.csv")
    assert len(table) == len(said.value) == 30
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        Predictor.load(run).predict_file(tmp_path / "empty")


def test_ordered_images_beat_no_knowledge_beside_all_methods(folder, tmp_path):
    run = contrast.run(
        "supremix",
        data={"name": "images", "path": str(folder), "target": "light", "side": 8},
        trainer={"max_epochs": 4, "lr": 0.01},
        encoder={"width": 8, "projection": 8},
        sampler={"batch_size": 8},
        evaluation={"folds": 2},
        runs=tmp_path,
    )
    table = run.evaluations["regress"].tables[0]
    assert len(table.rows) == 11
