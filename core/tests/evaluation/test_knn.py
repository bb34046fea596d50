import numpy as np
import pytest

from contrast.errors import DataError
from contrast.evaluation import knn_scores


def test_neighbours_are_those_of_largest_cosine_whatever_their_length():
    z_train = np.array([[10.0, 0.0], [9.0, 1.0], [0.0, 0.1], [0.1, 1.0]])
    scores = knn_scores(z_train, [0, 0, 1, 1], np.array([[0.01, 0.0], [0.0, 50.0]]), [0, 1], k=1)
    assert scores.accuracy == 100
    assert scores.macro_f1 == 100


def test_half_of_the_answers_wrong_gives_half_the_accuracy():
    z_train = np.array([[1.0, 0.0], [0.0, 1.0]])
    scores = knn_scores(z_train, [0, 1], np.array([[1.0, 0.0], [1.0, 0.1]]), [0, 1], k=1)
    assert scores.accuracy == 50
    assert scores.macro_f1 == pytest.approx(100 / 3)  # classes: 2/3 and 0


def test_zero_rows_do_no_harm():
    scores = knn_scores(np.zeros((3, 2)), [1, 1, 1], np.zeros((2, 2)), [1, 1], k=2)
    assert scores.accuracy == 100


@pytest.mark.parametrize("k", [0, 4])
def test_k_outside_of_the_training_samples_is_refused(k):
    with pytest.raises(DataError, match=r"k must be in 1\.\.3"):
        knn_scores(np.eye(3), [0, 1, 2], np.eye(3), [0, 1, 2], k=k)


def test_embeddings_of_two_widths_are_refused():
    with pytest.raises(DataError, match="one width"):
        knn_scores(np.eye(3), [0, 1, 2], np.eye(2), [0, 1], k=1)
