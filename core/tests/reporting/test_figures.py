import json
import re
from html import unescape

import numpy as np
import pytest

from contrast.reporting import figures
from contrast.reporting.labels import MOST_CLASSES, is_scale


def points(n=40):
    return np.random.default_rng(0).normal(size=(n, 2))


def test_figures_take_the_colours_of_the_page_and_carry_their_name():
    svg = figures.curves({"loss": ([0, 1], [2.0, 1.0])}, name="here")
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "var(--series-0, #" in svg
    assert figures._INK not in svg
    assert all(i.startswith("here-") for i in re.findall(r'\bid="([^"]*)"', svg))
    assert "metadata" not in svg


def test_the_same_input_gives_the_same_bytes():
    given = {"loss": (range(300), np.sin(np.arange(300)))}
    assert figures.curves(given, name="a") == figures.curves(given, name="a")


def test_many_points_become_an_image_and_many_steps_are_thinned():
    svg = figures.embedding_map(points(figures.MOST_DRAWN + 1), name="m")
    assert "<image" in svg
    assert svg.count("<use") == 0
    long = figures.curves({"a": (np.arange(50_000), points(25_000).ravel())}, name="a")
    assert len(long) < 40_000


def test_few_labels_are_classes_and_many_numbers_a_scale():
    assert not is_scale(np.arange(40) % 3)
    assert is_scale(np.linspace(0, 1, 40))
    assert is_scale(np.array([0.0, 0.5, 1.0]))  # fractions are amounts, however few
    assert not is_scale(np.array([0.0, 1.0, 2.0]))
    assert is_scale(np.array([0.0, 0.5, np.nan]))  # unknown amounts do not count
    assert not is_scale(np.array([0.0, 1.0, np.nan]))
    assert not is_scale(np.array([str(i) for i in range(40)]))
    assert "<image" in figures.embedding_map(points(), np.linspace(0, 1, 40), name="m")


def test_the_legend_counts_the_classes_and_names_what_has_no_label():
    labels = np.array([0] * 10 + [1] * 25 + [-1] * 5)
    svg = figures.embedding_map(points(), labels, name="m")
    assert "0 (10)" in svg
    assert "1 (25)" in svg
    assert "other or none" in svg
    assert "-1 (5)" not in svg


def test_more_classes_than_looks_keep_the_largest():
    labels = np.array([f"c{i:02}" for i in range(40)] + ["c39"])
    svg = figures.embedding_map(points(41), labels, name="m")
    assert "c39 (2)" in svg
    assert svg.count(" (1)") == MOST_CLASSES - 1


def number(text):
    return [float(each) for each in re.findall(r"-?[\d.]+", text)]


@pytest.mark.parametrize("many", [5, 900])
def test_a_curve_can_be_read_off_its_drawing(many):
    x = np.arange(many)
    y = 3.0 + x / many
    svg = figures.curves({"loss": (x, y)}, name="a")
    axes = json.loads(unescape(re.search(r'data-axes="([^"]*)"', svg)[1]))
    assert json.loads(unescape(re.search(r'data-lines="([^"]*)"', svg)[1])) == ["loss"]
    path = re.search(r'id="a-line-0">\s*<path d="([^"]*)"', svg)[1]
    pixels = np.array(number(path)).reshape(-1, 2)
    for (low, high, start, end), drawn, values in zip(axes.values(), pixels.T, (x, y), strict=True):
        read = low + (high - low) * (drawn - start) / (end - start)
        assert read[0] == pytest.approx(values[: max(1, many // 50)].mean(), rel=0.02, abs=0.05)
        assert read[-1] == pytest.approx(values[-max(1, many // 50) :].mean(), rel=0.02)


def test_an_overlay_has_a_faint_line_a_run_and_the_mean_as_far_as_all_go():
    runs = [([0, 1, 2], [1.0, 2.0, 3.0]), ([0, 1], [3.0, 4.0])]
    svg = figures.overlay({"A": runs, "B": [([0, 1], [0.0, 0.0])]}, name="o")
    assert svg.count("stroke-opacity: 0.3") == 2
    strong = re.search(r'id="o-line-0">\s*<path d="([^"]*)"', svg)[1]
    assert len(number(strong)) == 4  # two points: the third step has one run only
    assert 'id="o-line-1"' in svg


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [np.nan, 1.0]])
def test_short_flat_and_broken_curves_are_drawn(values):
    assert "<svg" in figures.curves({"a": (range(len(values)), values)}, name="a")


def test_shares_are_percentages_of_the_whole():
    svg = figures.shares({"forward": 3.0, "backward": 1.0}, name="t")
    assert "75 %" in svg
    assert "25 %" in svg
    told = figures.shares({"a": 999.0, "b": 1.0}, ["17 min", "1 s"], name="t")
    assert "100 %, 17 min" in told
    assert "&lt; 1 %, 1 s" in told  # never a 0 for what took time


def test_similarities_are_percentages_of_their_group_each_in_a_panel_of_its_own():
    given = {"positives": [0, 1, 1], "negatives": [300, 0, 0], "none": [0, 0, 0]}
    svg = figures.similarities(given, name="s")
    assert [svg.count(f">{label}<") for label in given] == [1, 1, 1]
    assert len(re.findall(r'id="s-axes_\d"', svg)) == 3
    assert svg == figures.similarities({**given, "negatives": [3, 0, 0]}, name="s")


def test_points_of_an_unknown_amount_are_drawn_faint():
    amounts = np.linspace(0, 1, 40)
    amounts[:3] = np.nan
    svg = figures.embedding_map(points(), amounts, name="m")
    assert svg.count("var(--faint") == 3
