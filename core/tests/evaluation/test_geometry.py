import numpy as np
import pytest
import torch

from contrast.errors import DataError
from contrast.evaluation import (
    alignment,
    effective_rank,
    geometry_scores,
    mean_cosine,
    tolerance,
    uniformity,
)


def unit(n=30, d=5, seed=0):
    z = np.random.default_rng(seed).normal(size=(n, d))
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def test_uniformity_is_the_plain_double_loop(monkeypatch):
    monkeypatch.setattr("contrast.evaluation.geometry._TILE", 7)
    z = unit()
    kernel = [
        np.exp(-2 * ((a - b) ** 2).sum()) for i, a in enumerate(z) for b in np.delete(z, i, 0)
    ]
    assert uniformity(3 * z) == pytest.approx(np.log(np.mean(kernel)))


def test_mean_cosine_is_the_plain_double_loop():
    z = unit()
    cosine = [a @ b for i, a in enumerate(z) for b in np.delete(z, i, 0)]
    assert mean_cosine(2 * z) == pytest.approx(np.mean(cosine))


def test_tolerance_is_the_plain_double_loop_over_pairs_of_one_class():
    z, labels = unit(), np.arange(30) % 4 - 1
    same = [
        z[i] @ z[j] for i in range(30) for j in range(30) if i != j and labels[i] == labels[j] >= 0
    ]
    assert tolerance(2 * z, labels) == pytest.approx(np.mean(same))
    assert tolerance(z, np.arange(30)) is None
    with pytest.raises(DataError, match="30 labels"):
        tolerance(z, labels[:3])


def test_alignment_is_zero_for_equal_directions_and_four_for_opposite():
    z = unit()
    assert alignment(z, 5 * z) == pytest.approx(0, abs=1e-12)
    assert alignment(z, -z) == pytest.approx(4)


def test_effective_rank_counts_equal_directions():
    assert effective_rank(np.eye(6)[:, :4]) == pytest.approx(4)
    assert effective_rank(np.ones((6, 4))) == pytest.approx(1)
    assert effective_rank(np.zeros((6, 4))) is None


def test_a_collapsed_embedding_shows_in_every_number():
    found = geometry_scores(np.tile([3.0, 4.0], (10, 1)))
    expected = {
        "uniformity": 0,
        "effective_rank": 1,
        "mean_cosine": 1,
        "norm_mean": 5,
        "norm_std": 0,
    }
    assert found == pytest.approx(expected, abs=1e-7)


def test_one_row_has_no_pairs():
    found = geometry_scores(torch.ones(1, 3), torch.ones(1, 3))
    assert found["uniformity"] is None
    assert found["mean_cosine"] is None
    assert found["alignment"] == 0


def test_zero_rows_and_half_precision_give_finite_numbers():
    found = geometry_scores(torch.zeros(4, 3, dtype=torch.bfloat16))
    assert found["uniformity"] == 0
    assert found["effective_rank"] is None
    assert found["norm_mean"] == 0


def test_unfit_input_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="one shape"):
        alignment(unit(3), unit(4))
    with pytest.raises(DataError, match="must be finite"):
        geometry_scores(np.full((2, 2), np.inf))
