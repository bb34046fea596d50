from importlib.util import find_spec

import numpy as np
import pytest

from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast_meow import movielens as source
from contrast_meow.cut import path_counts
from contrast_meow.metapaths import incidence
from contrast_meow.movielens import movielens

pytestmark = pytest.mark.skipif(find_spec("recbole") is None, reason="needs the files of recbole")


@pytest.fixture(scope="module")
def data():
    return movielens(generator(0), min_ratings=10, labelled=(20, 40, 60), validation=200)


def test_movies_and_classes_are_those_of_the_specification(data):
    assert len(data) == 798
    assert dict(zip(data.classes, np.bincount(data.labels), strict=True)) == {
        "Drama": 362,
        "Comedy": 289,
        "Action": 147,
    }
    assert data.width("movie") == 134
    assert data.width("user") == 943
    assert data.width("viewer") == 30
    assert data.types == ("movie", "user", "viewer")


def test_more_ratings_than_any_movie_has_are_refused():
    with pytest.raises(ConfigError, match=r"data\.min_ratings` 5000 .* up to 583"):
        movielens(generator(0), min_ratings=5000, labelled=(20,), validation=200)


def test_paths_tie_as_many_pairs_as_the_specification_counts(data):
    liked, disliked = (incidence(data.graph, path.half) for path in data.paths)
    assert (liked.nnz, disliked.nnz) == (39_450, 31_688)
    assert path_counts(liked).nnz == 392_719
    assert path_counts(disliked).nnz == 526_438
    assert (liked.sum(1) == 0).sum() == 9


def test_splits_have_the_sizes_of_the_specification(data):
    sizes = {L: (len(s.train), len(s.validation), len(s.test)) for L, s in data.splits.items()}
    assert sizes == {"20": (60, 200, 538), "40": (120, 200, 478), "60": (180, 200, 418)}


def test_every_movie_has_one_year_and_no_genre_is_a_feature(data):
    x = data.graph["movie"].x
    assert (x[:, :16].sum(1) == 1).all()
    assert set(x.unique().tolist()) == {0, 1}


def test_fewer_ratings_are_needed_for_more_movies():
    assert len(source.target_movies(5)) == 926
    assert len(source.target_movies(20)) == 655
