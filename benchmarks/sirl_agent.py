"""An agent of stable-baselines3 that learns on a reward learnt from answers, on GridRobot.

    contrast run plugin=sirl
    python benchmarks/sirl_agent.py runs/sirl-gridrobot-seed0

PPO sees the learnt reward alone, at the end of each episode, over seeds 0, 1, 2. Its trajectories
from all corners and angles are judged by the true costs of the person whose preferences the run
learnt: mean over the 28 beginnings of the rank of its trajectory among the 70 paths there, 1 best.
Beside it the same agent untrained, and the best path by the learnt reward.
"""

from __future__ import annotations

import statistics
import sys

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO

import contrast
import contrast_sirl.environments  # noqa: F401
from contrast_sirl import LearntReward, Reward
from contrast_sirl.gridrobot import CORNERS, enumerate_trajectories
from contrast_sirl.human import reward

STEPS = 40_000


class Towards(gymnasium.ActionWrapper):
    """Two actions, on towards the goal in x or in y: the reward knows shortest paths alone."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.action_space = gymnasium.spaces.Discrete(2)

    def action(self, action: int) -> int:
        """The move of the grid: the other direction where this one is done."""
        left = self.unwrapped.goal - self.unwrapped.pos
        axis = int(action) if left[int(action)] else 1 - int(action)
        return 2 * axis + int(left[axis] < 0)


def judge(agent: PPO, environment: gymnasium.Env, truth: np.ndarray) -> float:
    """The mean rank of what the agent walks, over all 28 beginnings."""
    everything, ranks = enumerate_trajectories(), []
    for begin in range(0, len(everything), 70):
        start, angle = everything[begin, :2].astype(int), begin // (70 * len(CORNERS))
        seen, _ = environment.reset(options={"start": start, "angle": angle})
        ended = False
        while not ended:
            action, _ = agent.predict(seen, deterministic=True)
            seen, _, ended, _, info = environment.step(int(action))
        own = np.abs(everything[begin : begin + 70] - info["trajectory"]).max(1)
        ranks.append(rank_of(truth[begin : begin + 70], int(own.argmin())))
    return statistics.mean(ranks)


def rank_of(values: np.ndarray, chosen: int) -> int:
    """1 for the best; equal values share a rank."""
    return 1 + int((values > values[chosen] + 1e-9).sum())


def main() -> None:
    """Train and judge."""
    run = sys.argv[1]
    learnt, parts = Reward.load(run), contrast.load(run)
    truth = reward(parts.data.features, parts.sampler.theta).numpy()
    said = learnt.of_vectors(enumerate_trajectories())
    begins = range(0, len(truth), 70)
    best = [
        1 + int((truth[b : b + 70] > truth[b + said[b : b + 70].argmax()] + 1e-9).sum())
        for b in begins
    ]
    print(f"best path by the learnt reward: rank {statistics.mean(best):.1f} of 70")
    torch.set_num_threads(1)
    for seed in range(3):
        plain = gymnasium.make("contrast_sirl.environments:GridRobot-v0", flat=True)
        environment = Towards(LearntReward(plain, learnt))
        agent = PPO("MlpPolicy", environment, seed=seed, n_steps=1024, ent_coef=0.01, device="cpu")
        before = judge(agent, environment, truth)
        agent.learn(STEPS)
        after = judge(agent, environment, truth)
        print(f"seed {seed}: rank {before:.1f} untrained, {after:.1f} trained", flush=True)


if __name__ == "__main__":
    main()
