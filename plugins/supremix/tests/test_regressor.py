import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from contrast_supremix import SupReMixRegressor

QUICK = {"pretrain_epochs": 3, "tune_epochs": 30, "lr": 1e-2, "width": 32}


def rows(n=80):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n, 3))
    return x, 100 * x[:, 0] + 5 * draw.normal(size=n) + 1000


def test_it_is_an_estimator_of_scikit_learn():
    check_estimator(SupReMixRegressor(**QUICK))


@pytest.mark.parametrize("objective", ["supremix", "supcon", "rank_n_contrast", "none"])
@pytest.mark.parametrize("fine_tune", [True, False])
def test_every_objective_learns_a_line(objective, fine_tune):
    x, y = rows()
    model = SupReMixRegressor(objective, fine_tune, random_state=0, **QUICK).fit(x, y)
    assert model.score(x, y) > 0.8
    assert model.transform(x).shape == (80, 32)


def test_it_works_in_a_pipeline_and_a_grid_search():
    x, y = rows(40)
    quick = SupReMixRegressor(random_state=0, **QUICK | {"tune_epochs": 5})
    pipe = make_pipeline(StandardScaler(), quick)
    search = GridSearchCV(pipe, {"supremixregressor__window": [3.0, 5.0]}, cv=2).fit(x, y)
    assert search.predict(x).shape == (40,)


def test_missing_values_are_taken():
    x, y = rows()
    x[::7, 1] = np.nan
    assert SupReMixRegressor(random_state=0, **QUICK).fit(x, y).score(x, y) > 0.8


def test_one_seed_gives_one_model():
    x, y = rows(30)
    one, two = (SupReMixRegressor(random_state=3, **QUICK).fit(x, y).predict(x) for _ in range(2))
    assert (one == two).all()


def test_an_unknown_objective_is_named():
    with pytest.raises(ValueError, match="got 'simclr'"):
        SupReMixRegressor("simclr").fit(*rows(10))


@pytest.mark.parametrize(
    "change",
    [
        {"valid_share": 1.0},
        {"valid_share": -0.1},
        {"batch_size": 1},
        {"width": 0},
        {"tune_epochs": -1},
    ],
)
def test_settings_out_of_range_are_named(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        SupReMixRegressor(**change).fit(*rows(10))
