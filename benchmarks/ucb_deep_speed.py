"""Steps per second of the deep agent beside a plain loop of one file with the same networks.

    OMP_NUM_THREADS=1 python benchmarks/ucb_deep_speed.py [--env CartPole-v1] [--steps 4000]

Both act, store, count the bonus and learn: an update of 32 stretches for every 2 steps of the
environment, double dueling values over 3 steps, the contrastive loss, a bonus whose matrix is made
anew every 50 updates. The plain loop (`plain`) is written as CleanRL writes its files: one
environment, one list, one pass through a network for every thing that is computed. Ours is
`contrast run`'s own loop with its randomness, records and checkpoints, on 16 copies. Process CPU
seconds on one thread, the 500 random steps of warm-up counted for ours alone, the median of 3.
Bar: 2 times the steps per second.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
from copy import deepcopy
from time import process_time

import gymnasium
import numpy as np
import torch
from torch.nn.functional import normalize, smooth_l1_loss

import contrast
from contrast.engine.observers import Observer
from contrast_ucb.deep.encoder import DeepFeatures
from contrast_ucb.deep.form import Jumps
from contrast_ucb.deep.objective import JumpNCE

BATCH, N, DISCOUNT, GAMMA, RIDGE = 32, 3, 0.99, 0.3, 1e-3
WARMUP, EVERY, REFRESH, COPY, COUNTED = 500, 2, 50, 100, 2048
ENVS = 16  # of ours


def agent(shape: tuple[int, ...], actions: int) -> DeepFeatures:
    """The network of both."""
    return DeepFeatures(
        shape=shape,
        actions=actions,
        scale=1.0,
        jumps=1,
        mapped=True,
        official=False,
        width=128,
        rank=64,
        atoms=1,
        low=-10,
        high=10,
        shift=0,
        intensity=0.0,
    )


def plain(name: str, steps: int) -> float:
    """Seconds of the plain loop after its warm-up."""
    env = gymnasium.make(name)
    actions = int(env.action_space.n)
    torch.manual_seed(0)
    random.seed(0)
    network = agent(env.observation_space.shape, actions)
    online, head = network.online, network.online.head
    target = deepcopy(online)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    contrastive, replay, root, updates = JumpNCE(), [], torch.eye(64), 0
    obs, _ = env.reset(seed=0)
    for step in range(WARMUP + steps):
        if step == WARMUP:
            began = process_time()
        if step < WARMUP or random.random() < 0.05:
            action = env.action_space.sample()
        else:
            with torch.no_grad():
                state = torch.as_tensor(obs)[None]
                action = int((online(state)[..., 0] + bonuses(network, root, state)).argmax())
        after, reward, terminated, truncated, _ = env.step(action)
        replay.append((obs, action, float(reward), after, terminated, terminated or truncated))
        obs = env.reset()[0] if terminated or truncated else after
        if step < WARMUP or step % EVERY:
            continue

        # a stretch is N + 1 transitions in a row
        firsts = [random.randrange(len(replay) - N) for _ in range(BATCH)]
        rows = [[replay[first + j] for first in firsts] for j in range(N)]
        seen = torch.stack([torch.as_tensor(np.array([r[0] for r in row])) for row in rows])
        chosen = torch.tensor([[r[1] for r in row] for row in rows])
        rewards = torch.tensor([[r[2] for r in row] for row in rows])
        came = torch.stack([torch.as_tensor(np.array([r[3] for r in row])) for row in rows])
        terminal = torch.tensor([[r[4] for r in row] for row in rows])
        ended = torch.tensor([[r[5] for r in row] for row in rows])

        with torch.no_grad():
            if updates % REFRESH == 0:
                some = random.choices(replay, k=COUNTED)
                states = torch.as_tensor(np.array([r[0] for r in some]))
                phi = features(network, states, torch.tensor([r[1] for r in some])).double()
                precision = len(replay) / COUNTED * phi.T @ phi + RIDGE * torch.eye(64).double()
                root = torch.linalg.inv(torch.linalg.cholesky(precision)).float()
            earned, alive, factor = torch.zeros(BATCH), torch.ones(BATCH), torch.ones(BATCH)
            last = came[0].clone()
            phi = features(network, seen[1:].flatten(0, 1), chosen[1:].flatten())
            bonus = GAMMA * (phi @ root.T).norm(dim=1).unflatten(0, (N - 1, BATCH))
            for j in range(N):
                earned += DISCOUNT**j * alive * (rewards[j] + (bonus[j - 1] if j else 0))
                last = torch.where(alive[:, None] > 0, came[j], last)
                factor = torch.where(alive > 0, DISCOUNT ** (j + 1) * ~terminal[j], factor)
                alive = alive * ~ended[j]
            extra = bonuses(network, root, last)
            best = (online(last)[..., 0] + extra).argmax(1)
            future = (target(last)[..., 0] + extra)[torch.arange(BATCH), best]
            wanted = earned + factor * future

        values = online(seen[0])[torch.arange(BATCH), chosen[0], 0]
        ahead = network.dynamics(online.trunk(seen[0]), chosen[0])
        predicted = network.left(head.projected(ahead))
        successor = network.right(head.projected(online.trunk(came[0])))
        every = torch.ones(1, BATCH, dtype=torch.bool)
        contrast_loss = contrastive(Jumps(predicted[None], successor[None], every, values))
        loss = smooth_l1_loss(values, wanted) + contrast_loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        updates += 1
        if updates % COPY == 0:
            target.load_state_dict(online.state_dict())
    return process_time() - began


def features(network: DeepFeatures, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
    """phi of states and actions."""
    ahead = network.dynamics(network.online.trunk(obs), action)
    return normalize(network.left(network.online.head.projected(ahead)), dim=-1)


def bonuses(network: DeepFeatures, root: torch.Tensor, obs: torch.Tensor) -> torch.Tensor:
    """The bonus of every action, (N, A)."""
    count = network.dynamics.actions
    every = torch.arange(count).repeat(len(obs))
    phi = features(network, obs.repeat_interleave(count, 0), every)
    return GAMMA * (phi @ root.T).norm(dim=1).view(-1, count)


class Watch(Observer):
    """CPU seconds of training, its warm-up included."""

    spent = 0.0

    def on_start(self, stage: str, steps: int) -> None:
        """Training begins."""
        self.spent -= process_time()

    def on_end(self, stage: str) -> None:
        """Training is over."""
        self.spent += process_time()


def ours(name: str, steps: int) -> float:
    """Seconds of the engine's loop for as many steps."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as runs:
        contrast.run(
            "ucb",
            method="deep",
            env=name,
            sampler={
                "envs": ENVS,
                "updates": ENVS // EVERY,
                "batch_size": BATCH,
                "n_step": N,
                "refresh": REFRESH * EVERY // ENVS,
                "warmup": WARMUP,
                "gamma": GAMMA,
                "lam": RIDGE,
            },
            trainer={"max_steps": steps // ENVS, "threads": 1, "target_every": COPY},
            evaluation={"episodes": 1},
            runs=runs,
            observer=watch,
        )
    return watch.spent


def main() -> None:
    """Both by turns."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", default="CartPole-v1", help="an environment of vectors")
    parser.add_argument("--steps", type=int, default=4000, help="of the environment")
    parser.add_argument("--times", type=int, default=3, help="measurements of each")
    words = parser.parse_args()
    torch.set_num_threads(1)
    ours(words.env, 200)  # what torch imports with its first update
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(words.times):
        for told, loop in (("plain", plain), ("ours", ours)):
            found[told].append(words.steps / loop(words.env, words.steps))
    rates = {told: statistics.median(each) for told, each in found.items()}
    for told, each in found.items():
        print(f"{told}: {rates[told]:.0f} steps a second ({', '.join(f'{r:.0f}' for r in each)})")
    print(f"ratio {rates['ours'] / rates['plain']:.2f}")


if __name__ == "__main__":
    main()
