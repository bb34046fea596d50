import pytest
import torch

from contrast_ucb.deep_bonus import accumulate, n_step_bonus, replay_bonus


def test_what_was_replayed_more_has_a_smaller_bonus():
    phi = torch.eye(2, dtype=torch.float64)[None]
    precision = accumulate(torch.eye(2, dtype=torch.float64), phi[:, :1].expand(9, 1, 2))
    often, never = replay_bonus(phi, precision)[0]
    assert often == pytest.approx(10**-0.5)
    assert never == pytest.approx(1)


def test_a_sum_stops_where_the_episode_ends_and_the_official_one_runs_on():
    bonus = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    done = torch.tensor([[0.0], [1.0], [0.0], [0.0]])
    ours = n_step_bonus(bonus, done, n_step=3, discount=0.5)
    theirs = n_step_bonus(bonus, done, n_step=3, discount=0.5, official=True)
    assert ours.item() == 1 + 1
    assert theirs.item() == 1 + 1 + 1


def test_a_sequence_no_longer_than_the_sum_is_refused():
    with pytest.raises(ValueError, match="3 steps are too few"):
        n_step_bonus(torch.ones(3, 1), torch.zeros(3, 1), n_step=3, discount=0.9)
