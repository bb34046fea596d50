"""Test beds with a known kernel: a combination lock, and random low-rank processes."""

from __future__ import annotations

import numpy as np
from torch import Generator, randint

from contrast_ucb.games import Game
from contrast_ucb.mdp import MDP

GOOD, BAD = (0, 1), 2  # latent states of the lock
GROUP_CONCENTRATION, STATE_CONCENTRATION = 0.25, 0.3  # Dirichlet, of phi and of psi


def numpy_generator(generator: Generator) -> np.random.Generator:
    """numpy's generator, seeded by a draw of torch's."""
    return np.random.default_rng(int(randint(2**62, (), generator=generator)))


def combolock(
    *, generator: Generator, horizon: int, actions: int, observations: int, decoy: float
) -> MDP:
    """One right action for each step and good latent; any other leads to the bad one for good.

    Latents 0 and 1 are good, 2 is bad and absorbing; each emits one of `observations` states
    uniformly, so that the kernel has rank 3. The right action leads to either good latent. Reward
    1 for it at the last step; `decoy` for a wrong action at the first: what greed falls for.
    """
    draw = numpy_generator(generator)
    right = draw.integers(actions, size=(horizon, len(GOOD)))
    features = np.zeros((horizon, 3, actions, 3))
    features[..., BAD] = 1
    rewards = np.zeros((horizon, 3, actions))
    rewards[0, GOOD] = decoy
    for latent in GOOD:
        steps = np.arange(horizon)
        features[steps, latent, right[:, latent]] = (0.5, 0.5, 0)
        rewards[0, latent, right[0, latent]] = 0
        rewards[-1, latent, right[-1, latent]] = 1
    emits = np.kron(np.eye(3), np.full(observations, 1 / observations))  # (3, S)
    spread = np.repeat(features, observations, axis=1)
    start = emits[list(GOOD)].mean(0)
    return MDP(spread @ emits, rewards.repeat(observations, axis=1), start, spread)


def lockgame(
    *, generator: Generator, horizon: int, actions: int, replies: int, observations: int
) -> Game:
    """The lock for two: the first player turns it, both play a matrix game behind it.

    The right action stays in a good latent with probability 0.9 and slips with 0.1. At the last
    step the pair earns 0.5 + 0.5 G in a good latent and 0.1 G in the bad one, G uniform in [0, 1];
    a wrong first action earns 0.1.
    """
    draw = numpy_generator(generator)
    right = draw.integers(actions, size=(horizon, len(GOOD)))
    latent = np.zeros((horizon, 3, actions, 3))
    latent[..., BAD] = 1
    rewards = np.zeros((horizon, 3, actions, replies))
    rewards[0, GOOD] = 0.1
    for good in GOOD:
        latent[np.arange(horizon), good, right[:, good]] = (0.45, 0.45, 0.1)
        rewards[0, good, right[0, good]] = 0
    stage = draw.random((3, actions, replies))
    rewards[-1] = np.where(np.arange(3)[:, None, None] == BAD, 0.1 * stage, 0.5 + 0.5 * stage)
    emits = np.kron(np.eye(3), np.full(observations, 1 / observations))
    spread = latent.repeat(observations, axis=1).repeat(replies, axis=2)
    paid = rewards.reshape(horizon, 3, -1).repeat(observations, axis=1)
    start = emits[list(GOOD)].mean(0)
    return Game(spread @ emits, paid, start, spread, players=(actions, replies))


def low_rank(*, generator: Generator, horizon: int, states: int, actions: int, rank: int) -> MDP:
    """P_h(s'|s,a) = psi_h(s')^T phi_h(s,a), both drawn; each step rewards a few state-actions."""
    draw = numpy_generator(generator)
    phi = draw.dirichlet(np.full(rank, GROUP_CONCENTRATION), size=(horizon, states, actions))
    psi = draw.dirichlet(np.full(states, STATE_CONCENTRATION), size=(horizon, rank))
    transitions = np.einsum("hsak,hkt->hsat", phi, psi)
    transitions /= transitions.sum(-1, keepdims=True)
    rewards = np.zeros((horizon, states, actions))
    rewards[-1] = draw.random((states, actions)) ** 4  # few are worth going for
    return MDP(transitions, rewards, np.full(states, 1 / states), phi)
