import numpy as np
import pytest

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_ucb.environments import lockgame
from contrast_ucb.games import Game, optimistic_game, zero_sum_value


def game(horizon=3):
    return lockgame(
        generator=generator("game"), horizon=horizon, actions=3, replies=2, observations=2
    )


def test_matching_pennies_is_worth_nothing_to_either():
    value, strategy = zero_sum_value(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert value == pytest.approx(0)
    np.testing.assert_allclose(strategy, [0.5, 0.5])


def test_a_plan_on_the_truth_without_bonus_cannot_be_exploited():
    mdp = game()
    sigma, upper, lower = optimistic_game(
        mdp.transitions, mdp.rewards, np.zeros_like(mdp.rewards), mdp.horizon, mdp.players
    )
    assert mdp.exploitability(sigma) == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(upper, lower, atol=1e-7)
    assert mdp.value(sigma) == pytest.approx(mdp.optimal_value, abs=1e-7)


def test_playing_at_random_can_be_exploited():
    mdp = game()
    uniform = np.full(mdp.rewards.shape, 1 / mdp.actions)
    assert mdp.exploitability(uniform) > 0.1


def test_pairs_of_actions_must_be_all_there():
    mdp = game()
    with pytest.raises(DataError, match="make 4 pairs, the process has 6"):
        Game(mdp.transitions, mdp.rewards, mdp.start, players=(2, 2))
