import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

import contrast
import contrast_sirl.environments  # noqa: F401
from contrast.errors import ConfigError, DataError
from contrast.testing.toys import install
from contrast_sirl import LearntReward, Reward
from contrast_sirl.encoder import RewardModel, TrajectoryEncoder
from contrast_sirl.gridrobot import enumerate_trajectories, raw_features

MOVES = {(1, 0): 0, (-1, 0): 1, (0, 1): 2, (0, -1): 3}


def actions_of(vector):
    cells = vector[:-1].reshape(-1, 2)
    return [MOVES[int(x), int(y)] for x, y in np.diff(cells, axis=0)]


def walk(env, vector, angle):
    env.reset(options={"start": vector[:2].astype(int), "angle": angle})
    rewards = []
    for action in actions_of(vector):
        _, reward, ended, cut, info = env.step(action)
        rewards.append(reward)
    return rewards, ended, cut, info


@pytest.mark.parametrize("flat", [False, True])
def test_gridrobot_passes_gymnasiums_own_check(flat):
    check_env(gymnasium.make("GridRobot-v0", flat=flat).unwrapped, skip_render_check=True)


def test_the_arm_passes_gymnasiums_own_check():
    check_env(gymnasium.make("JacoRobot-v0").unwrapped, skip_render_check=True)


def test_an_episode_gives_the_trajectory_that_was_walked():
    vector = enumerate_trajectories()[100]
    rewards, ended, cut, info = walk(gymnasium.make("GridRobot-v0"), vector, 0)
    assert (ended, cut) == (True, False)
    assert info["trajectory"] == pytest.approx(vector)
    assert rewards == [0.0] * 8


def test_rewards_of_an_episode_order_trajectories_as_their_features_do():
    theta = np.array([0.5, -1.0, 0.3, 0.8])
    env = gymnasium.make("GridRobot-v0", theta=theta)
    everything = enumerate_trajectories()
    raw = raw_features(everything)
    chosen = [5, 40, 69, 280 * 3 + 11, 280 * 6 + 30]
    returns = [sum(walk(env, everything[i], i // 280)[0]) for i in chosen]
    starts = raw_features(everything[chosen][:, [0, 1, -1]]) * (1, 1, 1, 0)  # the first cell alone
    costs = (raw[chosen] - starts) / np.ptp(raw, axis=0)
    assert returns == pytest.approx(-costs @ theta)


def test_a_move_off_the_grid_stays_and_eight_moves_end_the_episode():
    env = gymnasium.make("GridRobot-v0")
    env.reset(options={"start": (0, 0), "angle": 3})
    for _ in range(8):
        seen, _, ended, cut, info = env.step(1)
    assert seen["pos"].tolist() == [0, 0]
    assert (ended, cut) == (False, True)
    assert info["trajectory"].shape == (19,)


def test_the_grid_is_drawn_as_text():
    env = gymnasium.make("GridRobot-v0", render_mode="ansi")
    env.reset(options={"start": (0, 0), "angle": 3})
    assert env.render().splitlines() == ["....x", ".....", ".....", ".....", "o...."]


def test_costs_of_another_number_are_refused():
    with pytest.raises(ValueError, match="theta must hold 4 costs"):
        gymnasium.make("GridRobot-v0", theta=[1.0, 2.0])


def test_an_episode_of_the_arm_gives_its_waypoints_and_costs():
    env = gymnasium.make("JacoRobot-v0", theta=[1.0, 0.0, 0.0, 0.0])
    env.reset(options={"q": np.full(7, np.pi)})
    for _ in range(20):
        _, reward, _, cut, info = env.step(np.zeros(7, dtype=np.float32))
    assert cut
    assert info["trajectory"].shape == (21, 27)
    assert reward == pytest.approx(-(0.675 + 1.1003 - 0.65))


def fixed_reward(length=9, numbers=2, constants=1, ragged=False):
    torch.manual_seed(0)
    phi = TrajectoryEncoder(
        length=length,
        numbers=numbers,
        constants=constants,
        ragged=ragged,
        hidden=8,
        width=3,
        standardise=False,
    )
    model = RewardModel(phi, 3)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
    return Reward(model)


def test_the_last_step_brings_the_learnt_reward_of_the_whole():
    reward, vector = fixed_reward(), enumerate_trajectories()[100]
    env = LearntReward(gymnasium.make("GridRobot-v0", theta=[1, 1, 1, 1]), reward)
    rewards, _, _, info = walk(env, vector, 0)
    assert rewards[:-1] == [0.0] * 7
    assert rewards[-1] == pytest.approx(reward.of_vectors(vector[None])[0], rel=1e-5)
    own, *_ = walk(env.env, vector, 0)
    assert info["own_return"] == pytest.approx(sum(own))


def test_an_agent_of_stable_baselines3_learns_on_the_learnt_reward_alone():
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_checker import check_env as check_for_agents

    env = LearntReward(gymnasium.make("GridRobot-v0", flat=True), fixed_reward())
    check_for_agents(env)
    agent = stable_baselines3.PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, seed=0)
    agent.learn(64)
    earned = [episode["r"] for episode in agent.ep_info_buffer]
    assert len(earned) == 8
    assert all(value != 0 for value in earned)


def test_any_environment_is_judged_by_its_observations():
    reward = fixed_reward(length=501, numbers=4, constants=0, ragged=True)
    env = LearntReward(gymnasium.make("CartPole-v1"), reward)
    states = [env.reset(seed=0)[0]]
    ended = False
    while not ended:
        seen, value, ended, _, _ = env.step(0)
        states.append(seen)
    assert value == pytest.approx(reward([np.stack(states)])[0], rel=1e-5)


def test_trajectories_that_the_reward_cannot_take_are_refused():
    with pytest.raises(DataError, match=r"finite numbers \(T, 2\)"):
        fixed_reward()([np.zeros((9, 3))], np.zeros((1, 1)))
    with pytest.raises(DataError, match=r"`constants`\), expected 1"):
        fixed_reward()([np.zeros((9, 2))])


def test_a_run_of_another_plugin_gives_no_reward(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    run = contrast.run("toy", trainer={"max_steps": 1}, runs=tmp_path).folder
    with pytest.raises(ConfigError, match="no run of the plugin `sirl`"):
        Reward.load(run)
