import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import contrast
from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_ucb.environments import combolock, lockgame
from contrast_ucb.policy import Policy
from contrast_ucb.process_env import ProcessEnv


def lock():
    return combolock(generator=generator(0), horizon=4, actions=3, observations=2, decoy=0.1)


def test_processes_pass_the_checker_of_gymnasium():
    game = lockgame(generator=generator(0), horizon=2, actions=3, replies=2, observations=2)
    for process in (lock(), game):
        check_env(ProcessEnv(process), skip_render_check=True)


def test_playing_a_policy_earns_its_value_on_average():
    mdp, draw = lock(), np.random.default_rng(0)
    policy = Policy(draw.dirichlet(np.ones(3), size=(4, 6)))
    env, earned = ProcessEnv(mdp), 0.0
    for episode in range(3000):
        obs, _ = env.reset(seed=episode)
        over = False
        while not over:
            obs, reward, over, _, _ = env.step(int(policy.predict(obs, draw)))
            earned += reward
    assert earned / 3000 == pytest.approx(mdp.value(policy.probabilities), abs=0.02)


def test_the_policy_of_a_run_plays_the_environment_it_was_trained_in(tmp_path):
    result = contrast.run(
        "ucb",
        data={"horizon": 2, "actions": 2, "observations": 1},
        trainer={"max_epochs": 8},
        evaluation={"compare": []},
        runs=tmp_path,
    )
    parts = contrast.load(result.folder)
    assert result.metrics["value"] == pytest.approx(1)
    env, earned = ProcessEnv(parts.data), 0.0
    obs, _ = env.reset(seed=0)
    for _ in range(2):
        obs, reward, _, _, _ = env.step(int(parts.policy.predict(obs)))
        earned += reward
    assert earned == 1


def test_many_observations_are_answered_at_once():
    table = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 6))
    actions = Policy(table).predict([(0, 5), (3, 2)])
    np.testing.assert_array_equal(actions, [table[0, 5].argmax(), table[3, 2].argmax()])


@pytest.mark.parametrize(
    "obs", [(0.0, np.nan), (4, 0), (0, 6), (0, -1), (1, 2, 3), np.zeros((2, 3, 2))]
)
def test_an_observation_that_the_process_cannot_give_is_refused(obs):
    with pytest.raises(DataError):
        Policy(np.full((4, 6, 3), 1 / 3)).predict(obs)
