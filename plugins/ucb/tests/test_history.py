import numpy as np
import pytest

import contrast
from contrast_ucb import history
from contrast_ucb.history import History, Plan


def kept(count, room):
    """A history of so many plans, each of which says its own number everywhere."""
    found = History((2, 3, 4))
    found.room = room
    for number in range(count):
        values = np.full((2, 3, 4), float(number))
        found.add(10 * number, values, Plan(values, values, values, values))
    return found


@pytest.mark.parametrize("count", [1, 4, 5, 6, 7, 8, 9, 16, 17, 100])
def test_plans_are_evenly_spread_the_latest_among_them_and_never_too_many(count):
    found = kept(count, room=4)
    numbers = [found.at(place)[2].bonus[0, 0, 0] for place in range(len(found))]
    assert [10 * number for number in numbers] == found.steps
    assert len(found) <= 4
    assert numbers[-1] == count - 1
    gaps = set(np.diff(numbers[:-1]))
    assert len(gaps) <= 1


def test_what_was_kept_goes_on_as_if_it_had_not_been_written_down():
    whole, halted, again = kept(23, room=4), kept(11, room=4), History((2, 3, 4))
    again.room = 4
    again.load_state_dict(halted.state_dict())
    for number in range(11, 23):
        values = np.full((2, 3, 4), float(number))
        again.add(10 * number, values, Plan(values, values, values, values))
    assert again.steps == whole.steps
    np.testing.assert_array_equal(np.stack(again.beliefs), np.stack(whole.beliefs))


def test_a_large_process_keeps_fewer_plans(monkeypatch):
    monkeypatch.setattr(history, "BUDGET", 1100)
    assert History((2, 3, 4)).room == 8
    assert History((20, 30, 4)).room == 2


@pytest.mark.parametrize("method", ["theory", "game"])
def test_a_run_tells_what_it_believed_and_what_it_played(tmp_path, method):
    small = {"horizon": 2, "actions": 2, "observations": 1}
    result = contrast.run(
        "ucb",
        method=method,
        data=small,
        trainer={"max_epochs": 2},
        evaluation={"compare": []},
        runs=tmp_path,
    )
    sampler = contrast.load(result.folder).sampler
    assert len(sampler.history) == (19 if method == "theory" else 3)
    step, visits, plan = sampler.history.at(-1)
    np.testing.assert_array_equal(visits.sum((1, 2)), [step] * 2)
    np.testing.assert_allclose(plan.policy, sampler.policy, atol=1e-6)
    assert (plan.upper >= plan.lower - 1e-6).all()
    assert (plan.bonus > 0).all()
