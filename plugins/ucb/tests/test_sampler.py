from dataclasses import replace

import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.interfaces import Moment
from contrast_ucb.encoder import TabularFeatures
from contrast_ucb.environments import combolock
from contrast_ucb.sampler import CountExplorer, Explorer, LSVIExplorer


def explorer(kind=Explorer, **settings):
    mdp = combolock(generator=generator(0), horizon=4, actions=3, observations=2, decoy=0.1)
    return kind(mdp, generator=generator(0), **settings)


def explored(sampler, iterations):
    torch.manual_seed(0)
    encoder = TabularFeatures(horizon=4, states=6, actions=3, rank=3)
    for step in range(iterations):
        sampler.draw(Moment("explore", step, 0, encoder))
    return sampler


def test_an_iteration_leaves_the_policy_once_at_every_step():
    sampler = explored(explorer(), 7)
    np.testing.assert_array_equal(sampler.visited.sum((1, 2)), [7, 7, 7, 7])


def test_both_uniform_actions_are_learnt_from():
    sampler = explored(explorer(), 7)
    np.testing.assert_array_equal(sampler.seen.sum((1, 2, 3)), [7, 14, 14, 14])


@pytest.mark.parametrize("negatives", ["exact", "drawn"])
def test_every_true_successor_has_one_negative_by_weight(negatives):
    sampler = explored(explorer(negatives=negatives), 9)
    np.testing.assert_allclose(sampler.noise.sum(-1), sampler.seen.sum(-1))


def test_the_coin_gives_either_truth_or_noise():
    sampler = explored(explorer(negatives="bernoulli"), 40)
    assert sampler.seen.sum() + sampler.noise.sum() == 40 * 7
    assert 0.4 < sampler.seen.sum() / (40 * 7) < 0.6


def test_the_first_policy_is_uniform_and_its_regret_exact():
    sampler = explored(explorer(), 1)
    uniform = np.full((4, 6, 3), 1 / 3)
    assert sampler.regret == [pytest.approx(1 - sampler.data.value(uniform))]


def test_counts_learn_the_kernel_they_have_seen_everywhere():
    sampler = explored(explorer(CountExplorer), 3)
    sampler.seen = 1000 * sampler.data.transitions
    model, _ = sampler.believed(None)
    np.testing.assert_allclose(model, sampler.data.transitions)


def test_least_squares_on_true_features_find_the_true_values():
    sampler = explorer(LSVIExplorer, gamma=0.0, lam=1e-9)
    sampler.seen = 1000 * sampler.data.transitions
    plan = sampler.optimistic(None)
    assert sampler.data.value(plan.policy) == pytest.approx(sampler.data.optimal_value)


def test_counts_with_a_bonus_open_the_lock():
    sampler = explored(explorer(CountExplorer), 200)
    assert np.mean(sampler.regret[:20]) > 0.5
    assert np.mean(sampler.regret[-50:]) < 0.1


def test_a_step_that_was_drawn_is_drawn_alike():
    sampler = explored(explorer(), 3)
    at = Moment("explore", 3, 0, TabularFeatures(horizon=4, states=6, actions=3, rank=3))
    first, second = sampler.draw(at), sampler.draw(at)
    assert torch.equal(first.seen, second.seen)
    assert not torch.equal(first.seen, sampler.draw(replace(at, step=4)).seen)
