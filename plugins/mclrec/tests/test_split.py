import numpy as np
import pytest

from contrast.errors import DataError
from contrast_mclrec.split import by_time, leave_one_out


def test_leave_one_out_is_the_published_protocol():
    found = leave_one_out(np.array([0, 5, 7, 10, 11]))
    assert found.train.tolist() == [1, 2]
    assert found.valid.tolist() == [3, 8]
    assert found.test.tolist() == [4, 9]
    assert found.notes == ("2 users with fewer than 3 events: not trained on, not tested.",)


def test_a_split_by_time_lets_nothing_of_later_into_training():
    draw = np.random.default_rng(0)
    lengths = draw.integers(1, 12, 60)
    starts = np.concatenate([[0], lengths.cumsum()])
    times = np.concatenate([np.sort(draw.integers(0, 1000, n)) for n in lengths])
    found = by_time(starts, times, 0.2)
    cuts = np.sort(times)[int(0.6 * len(times))], np.sort(times)[int(0.8 * len(times))]
    assert times[found.train].max() < cuts[0]
    assert (times[found.valid] >= cuts[0]).all()
    assert (times[found.valid] < cuts[1]).all()
    assert (times[found.test] >= cuts[1]).all()
    for part in (found.train, found.valid, found.test):
        assert not np.isin(part, starts[:-1]).any()  # something must come before it
    for targets, cut in ((found.valid, cuts[0]), (found.test, cuts[1])):
        owner = np.searchsorted(starts, targets, side="right") - 1
        assert len(set(owner)) == len(owner)
        previous = np.maximum(targets - 1, starts[owner])
        assert (times[previous] < cut).all()


def test_a_split_by_time_needs_times_and_something_on_each_side():
    with pytest.raises(DataError, match=r"data\.time"):
        by_time(np.array([0, 3]), None, 0.1)
    with pytest.raises(DataError, match="no event is left to train on"):
        by_time(np.array([0, 4]), np.array([1, 1, 1, 1]), 0.1)
