import pytest
import torch
from sklearn.linear_model import LogisticRegression

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sirl.human import draw_people
from contrast_sirl.metrics import (
    Examination,
    feature_error,
    fit_preferences,
    preference_accuracy,
)


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "fpe"))
def test_feature_errors_equal_their_vectors(case):
    found = feature_error(*tensors(case, "z_train", "features_train", "z_test", "features_test"))
    assert_close(found.prediction, case["prediction"], 1e-8, "prediction")
    assert_close(found.total, case["fpe_sum"], 1e-8, "fpe_sum")
    assert_close(found.mean, case["fpe_mean_over_features"], 1e-8, "fpe_mean_over_features")


def drawn(*shape, name="x"):
    return torch.randn(*shape, dtype=torch.float64, generator=generator(name))


def test_a_collapsed_embedding_has_the_error_of_the_mean():
    features = drawn(40, 3)
    found = feature_error(torch.ones(30, 6), features[:30], torch.ones(10, 6), features[30:])
    spread = (features[30:] - features[:30].mean(0)).square().sum(1).mean()
    assert_close(found.total, spread, 1e-9)


def test_an_invertible_linear_map_leaves_the_feature_error_as_it_is():
    z, features, map_ = drawn(50, 4), drawn(50, 2, name="f"), drawn(4, 4, name="map")
    plain = feature_error(z[:40], features[:40], z[40:], features[40:])
    turned = feature_error(z[:40] @ map_, features[:40], z[40:] @ map_, features[40:])
    assert_close(plain.total, turned.total, 1e-9)


def test_many_preferences_are_fitted_as_by_scikit_learn():
    x, y = drawn(3, 60, 4), (drawn(3, 60, name="y") > 0).double()
    found = fit_preferences(x, y, ridge=0.1)
    for weights, rows, labels in zip(found, x, y, strict=True):
        known = LogisticRegression(C=10, fit_intercept=False, tol=1e-10, max_iter=1000)
        known.fit(rows.numpy(), labels.numpy())
        assert weights.numpy() == pytest.approx(known.coef_[0], abs=1e-4)


def test_preferences_that_all_agree_give_finite_weights():
    found = fit_preferences(drawn(1, 20, 3), torch.zeros(1, 20), ridge=0.1)
    assert found.isfinite().all()
    assert fit_preferences(torch.zeros(1, 0, 3), torch.zeros(1, 0), ridge=0.1).tolist() == [[0] * 3]


def examined(z, features, preferences=100, rationality=10.0):
    people = draw_people(10, features.shape[1], generator("people"))
    how = Examination(people, preferences, rationality, test_pairs=500)
    rows = torch.arange(len(z))
    return preference_accuracy(z, features, rows[:150], rows[150:], how, generator=generator("tpa"))


def test_true_features_are_learnt_from_preferences_and_noise_is_not():
    features = torch.rand(200, 3, generator=generator("features"))
    assert examined(features, features).mean() > 0.93
    assert abs(examined(drawn(200, 3), features).mean() - 0.5) < 0.06


def test_more_preferences_make_a_better_reward():
    features = torch.rand(200, 3, generator=generator("features"))
    assert examined(features, features, 300).mean() > examined(features, features, 5).mean() + 0.05


def test_where_all_rewards_are_equal_nobody_is_right():
    assert (examined(drawn(200, 3), torch.ones(200, 2)) == 0.5).all()
