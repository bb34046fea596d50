import json
import re

import numpy as np
import pytest
import torch

import contrast
from contrast import api
from contrast.config import resolve
from contrast_sepclr import evaluate, pictures
from contrast_sepclr.data import Factor, Groups
from contrast_sepclr.evaluate import by_dimension, delta_total, labels_of, nearest, neighbours_alike
from contrast_sepclr.probes import Score

SMALL = {
    "encoder": {"hidden": 8, "projection": 8, "common_width": 4, "salient_width": 3},
    "trainer": {"max_steps": 3},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("runs")
    data = {"train": 30, "test": 20}
    return contrast.run("sepclr", data=data, sampler={"batch_size": 30}, runs=home, **SMALL)


def test_every_factor_is_told_of_both_spaces_accuracies_first(run):
    (found,) = api.evaluate(run.folder).values()
    factors = ("left_digit", "right_digit", "target_or_background")
    cells = [f"{factor}/{space}" for factor in factors for space in ("common", "salient")]
    assert list(found.metrics)[:6] == cells
    assert {"left_digit_balanced/salient", "left_digit_auc/common"} < set(found.metrics)
    assert found.metrics["mutual_information"] is not None
    assert [drawing.title for drawing in found.drawings] == ["What each space knows", "Neighbours"]
    assert [each.title for each in found.maps] == [
        "Salient space, by right digit", "Common space, by left digit"
    ]  # fmt: skip


def test_the_report_shows_the_matrix_the_neighbours_and_what_views_cost(run):
    page = (run.folder / "report.html").read_text()
    assert "What each space knows" in page
    assert "by what is salient" in page
    assert page.count("<image ") == 6 * 11
    assert "views" in page
    times = [json.loads(line) for line in (run.folder / "times.jsonl").read_text().splitlines()]
    assert all(line["split"]["views"] > 0 for line in times)


@pytest.mark.parametrize("width", ["common_width", "salient_width"])
def test_a_space_of_one_dimension_runs_to_its_report(width, tmp_path):
    settings = SMALL | {"encoder": SMALL["encoder"] | {width: 1}}
    found = contrast.run("sepclr", data={"train": 12, "test": 6}, runs=tmp_path, **settings)
    assert all(np.isfinite(v) for v in found.metrics.values() if v is not None)


def test_the_supervised_variant_tells_of_each_attribute_s_own_dimension(tmp_path):
    settings = {
        "data": {"name": "sprites", "train": 12, "test": 10},
        "encoder": {"common_width": 4},
        "trainer": {"max_steps": 2},
    }
    run = contrast.run("sepclr", runs=tmp_path, **settings)
    (found,) = api.evaluate(run.folder).values()
    rows = {row[0]: row[1:3] for row in found.tables[1].rows}
    assert list(rows) == ["shape", "scale", "rotation", "x", "y"]
    assert rows["x"] == (found.metrics["x/own_dimension"], found.metrics["x/other_dimension"])


def test_an_attribute_s_own_dimension_is_that_of_its_place():
    rows = torch.arange(40)
    amounts = [np.where(rows < 20, np.nan, rows % n) for n in (7, 5)]
    factors = [Factor(name, values) for name, values in zip("ab", amounts, strict=True)]
    common = Factor("c", rows.double().numpy())
    data = Groups(
        "made",
        "table",
        torch.zeros(40, 1),
        rows >= 20,
        rows[::2],
        rows[1::2],
        [],
        (common, *factors),
    )
    z = torch.stack([rows % 7, 0 * rows, rows % 5], 1).float()
    (a, of_a), (b, of_b) = by_dimension(z, data, resolve("sepclr", []).config)
    assert (a.name, b.name) == ("a", "b")
    assert of_a[0].score == pytest.approx(100)
    assert of_b[0].score < 50
    assert of_b[1].score == pytest.approx(100)


def test_a_background_a_thousand_times_larger_runs_to_its_report(tmp_path):
    draw = np.random.default_rng(0)
    rows = [f"{draw.normal():.3f},{draw.normal():.3f},control" for _ in range(4000)]
    rows += [f"{draw.normal():.3f},{5 + draw.normal():.3f},ill" for _ in range(4)]
    (tmp_path / "people.csv").write_text("\n".join(["a,b,group", *rows]) + "\n")
    data = {"name": "table", "path": str(tmp_path / "people.csv"), "test_share": 0.05}
    found = contrast.run("sepclr", data=data, runs=tmp_path, **SMALL)
    assert all(np.isfinite(v) for v in found.metrics.values() if v is not None)
    page = (found.folder / "report.html").read_text()
    assert re.search(r"AUC [\d.]+ \(chance 50\)", page)


def test_nearest_are_the_others_by_distance():
    z = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    found = nearest(z, torch.tensor([0, 2]), torch.tensor([0, 1, 2, 3]), 2)
    assert found.tolist() == [[1, 2], [1, 0]]


def test_nearest_of_many_are_found_some_at_a_time(monkeypatch):
    z = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    rows = torch.arange(40)
    whole = nearest(z, rows, rows, 5)
    monkeypatch.setattr(evaluate, "AT_ONCE", 7)
    seen, cdist = [], torch.cdist
    monkeypatch.setattr(torch, "cdist", lambda a, b: seen.append(len(a)) or cdist(a, b))
    assert torch.equal(nearest(z, rows, rows, 5), whole)
    assert max(seen) == 7


def test_neighbours_are_counted_that_are_of_the_same_class():
    rows = torch.arange(6)
    data = Groups(
        "some", "table", rows[:, None].float(), rows > 0, rows[:3], rows[3:], rows.tolist()
    )
    z = torch.tensor([0.0, 0.1, 0.2, 0.3, 5.0, 5.1])[:, None]
    kind = Factor("kind", np.array([-1, 0, 1, 1, 0, 0]), ("a", "b"))
    assert neighbours_alike(z, kind, data, 1) == 100
    assert neighbours_alike(z, kind, data, 2) == 50
    assert neighbours_alike(z, Factor("age", np.arange(6.0)), data, 1) is None


def test_delta_total_is_the_distance_from_the_ideal_and_leaves_the_unknown_out():
    where = Factor("digit", np.arange(3), ("0", "1", "2"), "salient")
    free = Factor("age", np.arange(3.0))
    scores = (Score(30.0, 10.0), Score(90.0, 10.0))
    assert delta_total([(where, scores), (free, scores)]) == 20 + 10
    assert delta_total([(free, scores)]) is None


def test_the_matrix_frames_where_a_factor_belongs_and_escapes_names():
    known = Factor("<b>", np.arange(2), ("0", "1"), "salient")
    shown = pictures.matrix(
        [(known, (Score(50.0, 50.0), Score(75.0, 50.0)))], ("common", "salient")
    )
    assert "<b>" not in shown
    cells = re.findall("<rect.*?/>", shown)
    assert ["currentColor" in cell for cell in cells] == [False, True]
    assert [re.search(r'fill-opacity="([\d.]+)"', cell)[1] for cell in cells] == ["0.00", "0.38"]


def test_a_volume_is_shown_from_above_with_its_front_at_the_top():
    from base64 import b64decode
    from io import BytesIO

    from PIL import Image

    x = torch.zeros(1, 4, 6, 8)
    x[0, 0, 5, 4] = 3.0  # to the left, in front, half way up
    uri = pictures.data_uri(x)
    image = Image.open(BytesIO(b64decode(uri.partition(",")[2])))
    assert image.size == (4, 6)
    assert np.asarray(image).argmax() == 0


def test_labels_are_names_or_amounts():
    assert labels_of(Factor("kind", np.array([1, -1, 0]), ("a", "b"))).tolist() == [
        "b",
        "unlabelled",
        "a",
    ]
    assert labels_of(Factor("age", np.array([1.5]))).tolist() == [1.5]
