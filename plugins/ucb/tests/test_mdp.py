from itertools import product

import numpy as np
import pytest

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_ucb.environments import combolock, low_rank
from contrast_ucb.mdp import MDP


def lock(decoy=0.1, seed="lock"):
    return combolock(generator=generator(seed), horizon=5, actions=4, observations=4, decoy=decoy)


def small():
    return low_rank(generator=generator("small"), horizon=2, states=3, actions=2, rank=2)


def test_the_best_policy_opens_the_lock():
    assert lock().optimal_value == pytest.approx(1)


def test_always_wrong_at_first_earns_the_decoy():
    mdp = lock()
    wrong = (mdp.rewards[0] == 0.1).astype(float)
    policy = np.full(mdp.rewards.shape, 1 / 4)
    policy[0] = np.where(wrong.sum(1, keepdims=True) > 0, wrong / 3, 1 / 4)
    assert mdp.value(policy) == pytest.approx(0.1)


def test_the_kernel_is_its_features_times_emissions_of_rank_three():
    mdp = lock()
    flat = mdp.transitions[2].reshape(-1, mdp.states)
    assert np.linalg.matrix_rank(flat) <= 3
    assert mdp.features.shape == (5, 12, 4, 3)


def test_the_optimal_value_is_the_best_of_all_policies():
    mdp = small()
    values = []
    for choice in product(range(2), repeat=6):
        policy = np.eye(2)[np.array(choice).reshape(2, 3)]
        values.append(mdp.value(policy))
    assert mdp.optimal_value == pytest.approx(max(values))


def test_many_episodes_visit_states_as_often_as_computed():
    mdp, draw = small(), np.random.default_rng(0)
    policy = np.full(mdp.rewards.shape, 1 / 2)
    s = mdp.begin(draw.random(20_000))
    after = mdp.step(0, s, draw.integers(2, size=len(s)), draw.random(len(s)))
    found = np.bincount(after, minlength=3) / len(s)
    np.testing.assert_allclose(found, mdp.visits(policy)[1], atol=0.015)


@pytest.mark.parametrize("reward", [-0.1, 1.5, np.nan])
def test_a_reward_outside_its_range_is_refused(reward):
    mdp = small()
    rewards = mdp.rewards.copy()
    rewards[0, 0, 0] = reward
    with pytest.raises(DataError, match=r"rewards must lie in \[0, 1\]"):
        MDP(mdp.transitions, rewards, mdp.start)


def test_probabilities_that_miss_one_are_refused():
    mdp = small()
    with pytest.raises(DataError, match="probabilities that sum to one"):
        MDP(0.9 * mdp.transitions, mdp.rewards, mdp.start)


def test_shapes_that_do_not_fit_are_refused():
    mdp = small()
    with pytest.raises(DataError, match=r"must have shape \(H >= 1, S, A, S\)"):
        MDP(mdp.transitions[..., :2], mdp.rewards, mdp.start)
    with pytest.raises(DataError, match="rewards must have shape"):
        MDP(mdp.transitions, mdp.rewards[:1], mdp.start)


def test_whole_numbers_of_rewards_are_valued_like_any_others():
    mdp = small()
    rewards = (np.arange(mdp.rewards.size) % 2).reshape(mdp.rewards.shape)
    policy = np.full(rewards.shape, 1 / 2)
    whole, same = (MDP(mdp.transitions, each, mdp.start) for each in (rewards, rewards * 1.0))
    assert whole.value(policy) == same.value(policy) == pytest.approx(1)


def test_a_process_without_actions_is_refused():
    with pytest.raises(DataError, match="must have shape"):
        MDP(np.zeros((1, 2, 0, 2)), np.zeros((1, 2, 0)), np.array([1.0, 0]))
