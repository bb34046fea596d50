import numpy as np
import pytest

from contrast_supremix.comparison import Tried
from contrast_supremix.conformal import halves_coverage, margin
from contrast_supremix.measures import measures, ordinality, shots
from contrast_supremix.recommend import choose, recommend


def test_the_measures_are_those_of_their_definitions():
    y, p = np.array([1.0, 2, 4]), np.array([1.0, 3, 3])
    found = measures(y, p)
    assert found["mae"] == pytest.approx(2 / 3)
    assert found["rmse"] == pytest.approx(np.sqrt(2 / 3))
    assert found["r2"] == pytest.approx(1 - 2 / (14 / 3))
    assert found["gm"] == pytest.approx(1e-10 ** (1 / 3))
    assert found["spearman"] == pytest.approx(0.8660254)


def test_constant_predictions_agree_with_nothing():
    found = measures(np.array([1.0, 2, 3]), np.full(3, 2.0))
    assert found["pearson"] is None
    assert found["spearman"] is None
    assert found["r2"] == 0


def test_shots_count_the_training_rows_of_a_label():
    train = np.repeat([0.0, 1, 2], [101, 20, 19])
    found = shots(np.array([0.0, 1, 2, 9]), train, np.array([1.0, 2, 3, 5]))
    assert found == {"many": (1, 1.0), "medium": (1, 2.0), "few": (2, 4.0)}


def test_an_arc_in_order_of_its_target_is_ordinal_and_a_mixed_one_is_not():
    y = np.linspace(0, 1, 60)
    arc = np.stack([np.cos(y), np.sin(y)], 1)
    assert ordinality(arc, y) == pytest.approx(1, abs=1e-3)
    assert abs(ordinality(arc, np.random.default_rng(0).permutation(y))) < 0.2
    assert ordinality(np.ones((60, 2)), y) is None


def test_the_margin_is_the_order_statistic_that_covers():
    errors = np.arange(1.0, 20)
    assert margin(errors, 0.9) == 18  # ceil(20 * .9)
    assert margin(errors[:5], 0.9) == np.inf


def test_intervals_cover_as_often_as_asked():
    draw = np.random.default_rng(0)
    covered, asked = halves_coverage(np.abs(draw.normal(size=4000)))
    assert asked == 4000
    assert abs(covered / asked - 0.9) < 0.02


def tried(**errors):
    none = np.zeros((3, 1))
    return {
        name.replace("_", ", "): Tried(none, np.array(values)) for name, values in errors.items()
    }


def test_the_plainer_method_is_recommended_within_the_spread():
    found = tried(ridge=[1.0, 1.2, 1.1], network_l1=[1.2, 1.0, 1.05], supremix_tune=[1.2, 0.9, 1.1])
    assert choose(found)[0] == "ridge"
    first, second = recommend(found, "price", "3 random splits")
    assert "ridge" in first
    assert "within the spread" in first
    assert "no difference beyond the spread" in second


def test_a_clear_gain_is_said_and_so_is_a_clear_loss():
    found = tried(
        ridge=[2.0, 2.2, 2.1], network_l1=[1.5, 1.6, 1.55], supremix_tune=[1.0, 1.1, 1.05]
    )
    assert choose(found) == ("supremix, tune", "supremix, tune")
    assert "SupReMix helped" in recommend(found, "price", "x")[1]
    worse = tried(network_l1=[1.0, 1.1, 1.05], supremix_tune=[1.5, 1.6, 1.55])
    assert "did not help" in recommend(worse, "price", "x")[1]
