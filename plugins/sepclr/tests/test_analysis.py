import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image

import contrast
from contrast.cli import main
from contrast.errors import ConfigError
from contrast.interfaces import Parts
from contrast_sepclr import Analysis

SMALL = {
    "encoder": {"hidden": 8, "projection": 8, "common_width": 4, "salient_width": 3, "name": "mlp"},
    "trainer": {"max_steps": 3},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two folders of images, and a run on them."""
    home, draw = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for kind in ("healthy", "ill"):
        (home / kind).mkdir()
        for i in range(8):
            pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / kind / f"{i}.png")
    data = {"name": "folders", "background": str(home / "healthy"), "target": str(home / "ill")}
    contrast.run("sepclr", data=data | {"side": 8}, runs=home, name="run", **SMALL)
    return home


@pytest.fixture(scope="module")
def analysis(home):
    return Analysis.load(home / "run")


def test_neighbours_are_by_distance_in_the_space_and_never_the_sample(analysis):
    sample = analysis.of_row(9)
    for space in ("common", "salient"):
        distance = (analysis.z[space] - sample.z[space]).norm(dim=1)
        found = analysis.nearest(sample, space, 4)
        others = [row for row in distance.argsort().tolist() if row >= 8 and row != 9]
        assert [near.row for near in found] == others[:4]
        assert [near.distance for near in found] == pytest.approx(distance[others[:4]].tolist())


def test_neighbours_are_looked_for_where_it_is_said(analysis):
    sample = analysis.of_row(9)
    assert {near.row for near in analysis.nearest(sample, "common", 20, "background")} == set(
        range(8)
    )
    assert len(analysis.nearest(sample, "common", 20, "all")) == 15
    with pytest.raises(ConfigError, match="got 'comon' and 'targets'"):
        analysis.nearest(sample, "comon")


def test_an_image_of_the_run_read_anew_lies_where_it_lay(analysis, home):
    (sample,) = analysis.read(home / "ill/1.png")
    assert torch.allclose(sample.z["salient"], analysis.z["salient"][9], atol=1e-5)
    (near, *_) = analysis.nearest(sample, "common", 1)
    assert near.row == 9
    assert near.distance == pytest.approx(0, abs=1e-4)


def test_what_is_known_of_a_row_is_said_in_words(analysis):
    assert analysis.known(0) == [("group", "background")]
    assert analysis.known(8) == [("group", "target")]


def test_the_command_prints_neighbours_of_new_images(home, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["neighbours", str(home / "run"), str(home / "ill"), "-k", "2"])
    assert ended.value.code == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(lines) == 8 * 2 * 2
    assert lines[0] == lines[0] | {"sample": "0.png", "space": "common", "rank": "1"}
    assert lines[0]["neighbour"] == "ill/0.png"


def test_a_group_that_does_not_exist_is_refused(home, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["neighbours", str(home / "run"), str(home / "ill"), "--among", "targest"])
    assert stopped.value.code == 2
    assert "targest" in capsys.readouterr().err


def test_a_run_of_another_plugin_is_refused(monkeypatch):
    monkeypatch.setattr(contrast, "load", lambda run: Parts([], None, None, None))
    with pytest.raises(ConfigError, match="no run of the plugin `sepclr`"):
        Analysis.load("runs/toy")
