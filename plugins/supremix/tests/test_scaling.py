import numpy as np
import pytest

from contrast_supremix.scaling import Scaling, TargetScale, missing_columns


def test_columns_are_standardised_by_training_and_gaps_are_flagged():
    x = np.array([[1.0, 5, np.nan], [3, 5, 2], [2, 5, 4]])
    found = Scaling.of(x[:2], missing_columns(x))(x)
    np.testing.assert_allclose(found, [[-1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 2, 0]], atol=1e-6)


def test_a_far_outlier_stays_finite_and_small():
    assert Scaling.of(np.arange(4.0)[:, None], np.zeros(0, int))(np.array([[1e30]]))[0, 0] == 10


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_any_range_becomes_forty_labels(scale):
    y = scale * np.random.default_rng(0).normal(size=200)
    labels = TargetScale.of(y).labels(y)
    assert labels.min() == pytest.approx(0, abs=1e-9)
    assert labels.max() == pytest.approx(40)


def test_evenly_spaced_values_keep_their_steps():
    y = np.array([3.0, 4, 5, 6, 8, 5])
    assert TargetScale.of(y).labels(y).tolist() == [0, 1, 2, 3, 5, 2]
    half = y / 2
    assert TargetScale.of(half).labels(half).tolist() == [0, 1, 2, 3, 5, 2]


def test_standardising_is_taken_back():
    y = np.array([10.0, 20, 60])
    scale = TargetScale.of(y)
    np.testing.assert_allclose(scale.target(scale.standardised(y)), y)
