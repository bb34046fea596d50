import numpy as np
import pytest

from contrast_exploration.episode import play
from contrast_exploration.journey import Journey


def test_an_episode_follows_the_process_and_the_policy(journey: Journey):
    frame = journey.frame(len(journey) - 1)
    for seed in range(20):
        episode = play("it", journey.process, frame.plan.policy, seed)
        assert [move.step for move in episode.moves] == [0, 1, 2]
        for move, later in zip(episode.moves, [*episode.moves[1:], None], strict=True):
            assert frame.plan.policy[move.step, move.state, move.action] == move.chance > 0
            assert move.reward == journey.process.rewards[move.step, move.state, move.action]
            assert journey.process.transitions[move.step, move.state, move.action, move.after] > 0
            assert later is None or later.state == move.after


def test_the_mean_of_many_episodes_is_the_value_of_the_policy(game):
    policy = game.frame(0).plan.policy
    earned = [play("it", game.process, policy, seed).further(99).earned for seed in range(600)]
    assert np.mean(earned) == pytest.approx(game.process.value(policy), abs=0.06)


def test_moves_are_shown_one_after_another(journey):
    policy = journey.frame(0).plan.policy
    episode = play("it", journey.process, policy, 3)
    assert (episode.shown, episode.earned, episode.path) == (0, 0, [(0, episode.state)])
    second = episode.further(1)
    assert second.path == [(0, episode.state), (1, second.state)]
    ended = second.further(99)
    assert ended.over
    assert ended.state == ended.moves[-1].after
    assert len(ended.path) == 3
    assert ended.earned == sum(move.reward for move in ended.moves)
