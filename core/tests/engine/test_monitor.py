import pytest

from contrast.engine.monitor import Monitor
from contrast.errors import ConfigError
from contrast.recipe import TrainerConfig


def test_the_loss_improves_when_it_falls_and_patience_counts_from_the_best():
    monitor = Monitor(TrainerConfig(patience=2))
    improved = [monitor.improves(epoch, loss, None) for epoch, loss in enumerate([3, 2, 2, 2.5], 1)]
    assert improved == [True, True, False, False]
    assert not monitor.exhausted(3)
    assert monitor.exhausted(4)


def test_a_metric_improves_when_it_rises_and_only_where_it_was_measured():
    monitor = Monitor(TrainerConfig(monitor="f1", evaluate_every=2))
    seen = [None, {"f1": 10.0}, None, {"f1": 12.0}, {"f1": None}]
    assert [monitor.improves(e, 0.0, m) for e, m in enumerate(seen, 1)] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_patience_ends_only_where_the_metric_was_measured():
    monitor = Monitor(TrainerConfig(monitor="f1", evaluate_every=3, patience=2))
    seen = [None, None, {"f1": 10.0}, None, None, {"f1": 9.0}]
    ended = []
    for epoch, metrics in enumerate(seen, 1):
        monitor.improves(epoch, 0.0, metrics)
        ended.append(monitor.exhausted(epoch))
    assert ended == [False] * 5 + [True]


def test_no_patience_never_stops():
    assert not Monitor(TrainerConfig()).exhausted(10**6)


def test_a_metric_needs_validations():
    with pytest.raises(ConfigError, match="evaluate_every"):
        TrainerConfig(monitor="f1")


def test_an_unknown_metric_is_answered_with_the_nearest():
    monitor = Monitor(TrainerConfig(monitor="macro_f1/2", evaluate_every=1))
    with pytest.raises(ConfigError, match="did you mean `macro_f1/20`"):
        monitor.improves(1, 0.0, {"macro_f1/20": 3.0})


def test_a_nan_loss_never_improves():
    assert not Monitor(TrainerConfig()).improves(1, float("nan"), None)


def test_patience_begins_with_the_first_value():
    monitor = Monitor(TrainerConfig(monitor="f1", evaluate_every=10, patience=20))
    ended = []
    for epoch, value in zip(range(10, 70, 10), (None, None, 7.0, 6.0, 5.0, None), strict=True):
        monitor.improves(epoch, 0.0, {"f1": value})
        ended.append(monitor.exhausted(epoch))
    assert ended == [False, False, False, False, True, False]
    worthless = Monitor(TrainerConfig(monitor="f1", evaluate_every=10, patience=20))
    found = []
    for epoch in (10, 20, 30):
        worthless.improves(epoch, 0.0, {"f1": float("nan")})
        found.append(worthless.exhausted(epoch))
    assert found == [False, False, True]
