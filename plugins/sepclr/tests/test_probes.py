import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from contrast_sepclr.data import Factor
from contrast_sepclr.probes import Score, probe

DRAW = np.random.default_rng(0)
TRAIN, TEST = np.arange(60), np.arange(60, 100)


def of(factor, z, train=TRAIN, test=TEST):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return probe(z, factor, train, test, 100)


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_accuracy_balanced_accuracy_and_auc_are_those_of_scikit_learn(classes):
    y = DRAW.integers(0, len(classes), 100)
    z = DRAW.normal(size=(100, 4)) + y[:, None]
    found = of(Factor("kind", y, classes), z)
    model = LogisticRegression().fit(z[TRAIN], y[TRAIN])
    said, chances = model.predict(z[TEST]), model.predict_proba(z[TEST])
    chances = chances[:, 1] if len(classes) == 2 else chances
    assert found.score == pytest.approx(100 * np.mean(said == y[TEST]))
    assert found.balanced == pytest.approx(100 * balanced_accuracy_score(y[TEST], said))
    assert found.auc == pytest.approx(100 * roc_auc_score(y[TEST], chances, multi_class="ovr"))
    assert found.chance == pytest.approx(100 * np.bincount(y[TEST]).max() / 40)


def test_an_amount_is_scored_by_what_is_explained_and_its_error():
    z = DRAW.normal(size=(100, 2))
    found = of(Factor("age", 3 * z[:, 0] + 50), z)
    assert found.score == pytest.approx(100)
    assert found.error == pytest.approx(0, abs=1e-9)
    assert (found.balanced, found.auc) == (None, None)


def test_unknown_values_are_neither_learnt_from_nor_tested_on():
    z = DRAW.normal(size=(100, 2))
    y = np.where(z[:, 0] > 0, 1, 0)
    y[::3] = -1
    assert of(Factor("kind", y, ("a", "b")), z).score > 80
    amounts = np.where(y < 0, np.nan, z[:, 0])
    assert of(Factor("age", amounts), z).score == pytest.approx(100)


def test_one_class_and_nothing_known_are_not_defined():
    z = DRAW.normal(size=(100, 2))
    for values in (np.zeros(100, int), np.full(100, -1)):
        found = of(Factor("kind", values, ("a",)), z)
        assert found == Score(None, None)
        assert (found.known, found.told) == (0.0, "–")
    assert of(Factor("age", np.full(100, 7.0)), z) == Score(None, None)


def test_a_test_of_one_class_has_an_accuracy_alone():
    y = np.r_[np.arange(60) % 2, np.zeros(40, int)]
    found = of(Factor("kind", y, ("a", "b")), DRAW.normal(size=(100, 2)))
    assert found.score is not None
    assert found.chance == 100
    assert (found.balanced, found.auc, found.known) == (None, None, 0.0)


def test_a_class_that_training_never_saw_is_counted_as_missed():
    y = np.r_[np.arange(60) % 2, np.arange(40) % 3]
    z = np.eye(3)[y]
    found = of(Factor("kind", y, ("a", "b", "c")), z)
    assert found.auc is None
    assert found.balanced == pytest.approx(200 / 3, abs=1)


def test_lopsided_classes_are_told_by_their_auc():
    y = (np.arange(4000) % 1000 == 0).astype(int)
    z = np.random.default_rng(0).normal(size=(4000, 1)) + 2 * y[:, None]
    found = probe(z, Factor("group", y, ("a", "b")), np.arange(0, 2000), np.arange(2000, 4000), 100)
    assert found.score == pytest.approx(found.chance, abs=0.1)
    assert found.lopsided
    assert found.told == f"AUC {found.auc:.1f} (chance 50)"
    assert found.known == pytest.approx((found.auc - 50) / 50)


@pytest.mark.parametrize(("score", "known"), [(100, 1), (50, 0), (75, 0.5), (20, 0)])
def test_what_is_known_runs_from_chance_to_perfect(score, known):
    assert Score(score, 50.0, auc=50.0, classes=2).known == known
