import base64
import json
import re

import numpy as np
import pytest

from contrast.reporting import scatter
from contrast.reporting.scatter import NONE, SIDE, interactive_map


def drawn(points, labels=None, ids=None):
    """The data in the element, and the element."""
    page = str(interactive_map(np.asarray(points, float), labels, ids, title="a map"))
    return json.loads(re.search(r'application/json">(.*?)</script>', page, re.S)[1]), page


def unpack(text, kind):
    return np.frombuffer(base64.b64decode(text), kind)


def test_every_point_keeps_its_place_its_id_and_its_label():
    points = np.stack([np.arange(10.0), np.arange(10.0) ** 2], 1)
    found, page = drawn(points, ["even", "odd"] * 5, [f"node {i}" for i in range(10)])
    xy = unpack(found["xy"], "<u2").reshape(-1, 2).astype(float)
    scale = SIDE / 81  # both axes alike
    for (x, y), look, name in zip(xy, unpack(found["look"], "u1"), found["ids"], strict=True):
        i = int(name.split()[1])
        assert (x - SIDE / 2) / scale + 4.5 == pytest.approx(i, abs=0.01)
        assert (y - SIDE / 2) / scale + 40.5 == pytest.approx(i**2, abs=0.01)
        assert found["names"][look] == ["even", "odd"][i % 2]
    assert found["width"] / found["height"] == pytest.approx(9 / 81)
    assert "even <small>5</small>" in page


def test_rows_have_numbers_where_there_are_no_ids():
    found, page = drawn(np.eye(2))
    assert sorted(found["rows"]) == [0, 1]
    assert set(unpack(found["look"], "u1")) == {NONE}
    assert "find a row" in page
    assert "data-look" not in page


def test_amounts_are_a_scale_with_its_ends():
    found, page = drawn(np.random.default_rng(0).normal(size=(50, 2)), np.linspace(2.0, 7.5, 50))
    look, values = unpack(found["look"], "u1"), np.array(found["values"])
    assert (np.argsort(values) == np.argsort(look, kind="stable")).mean() > 0.5
    assert look[values.argmin()] == 0
    assert look[values.argmax()] == scatter.LEVELS - 1 == len(found["levels"]) - 1
    assert "<span>2.000</span>" in page
    assert "<span>7.500</span>" in page


def test_unknown_amounts_are_faint_and_have_no_value():
    amounts = np.linspace(2.0, 7.5, 50)
    amounts[[3, 9]] = np.nan, np.inf
    found, page = drawn(np.random.default_rng(0).normal(size=(50, 2)), amounts)
    look = unpack(found["look"], "u1")
    assert (look == NONE).sum() == 2
    assert [value is None for value in found["values"]] == (look == NONE).tolist()
    assert "<span>7.500</span>" in page


def test_what_has_no_label_is_faint_and_counted():
    found, page = drawn(np.eye(3)[:, :2], np.array([0, -1, 1]))
    assert sorted(unpack(found["look"], "u1")) == [0, 1, NONE]
    assert "other or none <small>1</small>" in page


def test_many_points_are_few_bytes_and_more_are_drawn_from():
    n = scatter.MOST_POINTS + 1000
    found, page = drawn(np.random.default_rng(0).normal(size=(n, 2)), np.arange(n) % 3)
    assert len(unpack(found["look"], "u1")) == len(set(found["rows"])) == scatter.MOST_POINTS
    assert len(page) < 14 * scatter.MOST_POINTS


@pytest.mark.parametrize("points", [np.zeros((3, 2)), np.zeros((1, 2)), [[0, 0], [1e30, 0]]])
def test_points_on_one_spot_or_far_apart_stay_in_the_frame(points):
    found, _ = drawn(points)
    assert min(found["width"], found["height"]) >= 1
    assert len(unpack(found["xy"], "<u2")) == 2 * len(points)


def test_texts_cannot_leave_their_place():
    evil = "</script><b>"
    _, page = drawn(np.eye(2), [evil, "y"], [evil, "z"])
    assert evil not in page
    assert "&lt;/script&gt;&lt;b&gt; <small>1</small>" in page
