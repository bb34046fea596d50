import gymnasium
import numpy as np
import pytest

import contrast
from contrast.engine.randomness import generator
from contrast.errors import ConfigError, DataError
from contrast_ucb.environments import combolock
from contrast_ucb.process import gymnasium_process, own_process


def lake(env="FrozenLake-v1", horizon=20):
    return gymnasium_process(generator=generator(0), env=env, horizon=horizon)


def test_a_process_comes_back_from_its_file(tmp_path):
    mdp = combolock(generator=generator(0), horizon=3, actions=2, observations=2, decoy=0.1)
    file = tmp_path / "own.npz"
    np.savez(file, transitions=mdp.transitions, rewards=mdp.rewards, start=mdp.start)
    assert own_process(generator=generator(0), path=str(file)).optimal_value == mdp.optimal_value


def test_a_file_that_holds_no_process_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        own_process(generator=generator(0), path=str(tmp_path / "none.npz"))
    np.savez(tmp_path / "half.npz", transitions=np.ones((1, 1, 1, 1)))
    with pytest.raises(DataError, match="has no array `rewards`"):
        own_process(generator=generator(0), path=str(tmp_path / "half.npz"))
    words = {"transitions": np.ones((1, 1, 1, 1)), "rewards": np.array([["a"]]), "start": [1]}
    np.savez(tmp_path / "words.npz", **words)
    with pytest.raises(DataError, match="`rewards` must be numbers, got <U1"):
        own_process(generator=generator(0), path=str(tmp_path / "words.npz"))


def test_probabilities_of_single_precision_are_made_to_sum_to_one(tmp_path):
    file, draw = tmp_path / "own.npz", np.random.default_rng(0)
    rows = draw.dirichlet(np.ones(7), size=(2, 7, 3)).astype(np.float32)
    assert abs(rows.astype(float).sum(-1) - 1).max() > 1e-8
    np.savez(file, transitions=rows, rewards=np.zeros((2, 7, 3)), start=rows[0, 0, 0])
    mdp = own_process(generator=generator(0), path=str(file))
    np.testing.assert_allclose(mdp.transitions.sum(-1), 1, atol=1e-15)
    np.savez(file, transitions=rows / 2, rewards=np.zeros((2, 7, 3)), start=rows[0, 0, 0])
    with pytest.raises(DataError, match="sum to one"):
        own_process(generator=generator(0), path=str(file))


def test_the_optimal_value_of_a_frozen_lake_is_reached_by_its_table():
    mdp = lake(horizon=60)
    values = np.zeros((61, mdp.states))
    table = gymnasium.make("FrozenLake-v1").unwrapped.P
    for h in range(59, -1, -1):
        for s, moves in table.items():
            values[h, s] = max(
                sum(p * (r + (not over) * values[h + 1, t]) for p, t, r, over in outcomes)
                for outcomes in moves.values()
            )
    assert mdp.optimal_value == pytest.approx(values[0, 0])
    assert 0 < mdp.optimal_value < 1


def test_an_episode_that_is_over_earns_nothing_more():
    mdp = lake()
    np.testing.assert_array_equal(mdp.rewards[:, -1], 0)
    np.testing.assert_array_equal(mdp.transitions[:, -1, :, -1], 1)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("FrozenLakee-v1", "did you mean `FrozenLake-v1`"),
        ("Pendulum-v1", "not discrete"),
        ("CartPole-v1", "has no table of transitions"),
        ("nowhere:Lake-v0", "a module that is not there"),
    ],
)
def test_an_environment_that_does_not_fit_is_refused(env, said):
    with pytest.raises(ConfigError, match=said):
        lake(env)


def test_a_reward_outside_its_range_is_refused():
    with pytest.raises(DataError, match=r"rewards must lie in \[0, 1\]"):
        lake("CliffWalking-v1")


def test_a_lake_is_explored(tmp_path):
    result = contrast.run(
        "ucb",
        data={"name": "gymnasium", "horizon": 6},
        trainer={"max_epochs": 1},
        evaluation={"compare": ["lsvi"], "seeds": 1},
        runs=tmp_path,
    )
    assert result.metrics["value/optimal"] == pytest.approx(lake(horizon=6).optimal_value)
