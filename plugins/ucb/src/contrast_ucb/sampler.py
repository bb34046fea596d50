"""The sampler is the agent's exploration: it plans on what is learnt, acts, and stores what it saw.

Contrastive UCB, arXiv:2207.14800. An iteration is one draw: H episodes under the current policy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Generator, Tensor

from contrast.forms import over
from contrast.interfaces import Moment, Sampler
from contrast_ucb.environments import numpy_generator
from contrast_ucb.games import Game, optimistic_game
from contrast_ucb.history import History, Plan
from contrast_ucb.mdp import MDP, Array, drawn
from contrast_ucb.planning import covariance, elliptical_bonus, greedy, plan, recover

EPOCH = 10  # iterations, for want of a natural epoch
SEVERAL = 10  # negatives for each true successor where they are drawn

Negatives = Literal["exact", "drawn", "bernoulli"]


@dataclass(frozen=True)
class Batch:
    """All transitions so far: how often each true one was seen, how much noise was compared.

    Shapes:  seen, noise: (H, S A, S).
    """

    seen: Tensor = over(0)
    noise: Tensor = over(0)


class Explorer(Sampler):
    """Optimism on learnt features: the bonus is large where phi has not been yet.

    Each iteration deploys the greedy policy of the optimistic plan and rolls it in once for every
    step h: policy up to h, then two uniform actions. What the first of them saw counts for the
    bonus; both count for the features. `gamma=0` explores by what it believes alone, `epsilon`
    adds random actions to the roll-in. Negatives are uniform over the states: their expectation,
    ten for each true successor, or the textbook coin that gives either a true one or noise.
    """

    steps_per_epoch = EPOCH
    shared = True
    replan_every = 1

    def __init__(
        self,
        data: MDP,
        *,
        generator: Generator,
        gamma: float = 1.0,
        lam: float = 1.0,
        epsilon: float = 0.0,
        negatives: Negatives = "exact",
    ) -> None:
        self.data, self.gamma, self.lam = data, gamma, lam
        self.epsilon, self.negatives = epsilon, negatives
        shape = data.transitions.shape
        self.seen, self.noise = np.zeros(shape), np.zeros(shape)
        self.visited = np.zeros(shape[:3])
        self.policy = np.full(shape[:3], 1 / data.actions)
        self.regret: list[float] = []
        self.history = History(shape[:3])

    def draw(self, at: Moment) -> Batch:
        """Explore once, then all that was seen; a step that was drawn before is drawn alike."""
        if at.step >= len(self.regret):
            if self.regret and at.step % self.replan_every == 0:
                plan = self.optimistic(at.encoder)
                self.history.add(at.step, self.visited, plan)
                self.policy = plan.policy
            self.regret.append(self.shortfall(self.policy))
            self.roll_in(numpy_generator(at.shared("explore")))
        return self.batch()

    def shortfall(self, policy: Array) -> float:
        """What a policy falls short of the best, exactly."""
        return self.data.optimal_value - self.data.value(policy)

    def batch(self) -> Batch:
        """What was seen so far."""
        return Batch(*(torch.from_numpy(n).flatten(1, 2).clone() for n in (self.seen, self.noise)))

    def optimistic(self, encoder: torch.nn.Module) -> Plan:
        """The plan with what the encoder learnt, and the policy that is greedy in it."""
        model, bonus = self.believed(encoder)
        q, _ = plan(model, self.data.rewards, bonus, cap=self.data.horizon)
        return Plan(greedy(q), bonus, q, q)

    def believed(self, encoder: torch.nn.Module) -> tuple[Array, Array]:
        """The learnt model (H, S, A, S), and the bonus (H, S, A) on features made anew."""
        with torch.no_grad():
            phi, psi = (each.double().cpu().numpy() for each in encoder.features())
        states = self.data.states
        phi_hat, model = recover(phi, psi, np.full(states, 1 / states))
        return model, self.bonus(phi_hat)

    def bonus(self, features: Array) -> Array:
        """The elliptical bonus of features (H, S, A, d) by where the policies have been."""
        flat = features.reshape(len(features), -1, features.shape[-1])
        counts = self.visited.reshape(len(features), -1)
        sigma = covariance(flat, counts, self.lam)
        return elliptical_bonus(flat, sigma, self.gamma, self.data.horizon).reshape(
            self.visited.shape
        )

    def roll_in(self, draw: np.random.Generator) -> None:
        """H episodes at once: number h follows the policy to step h, then acts twice at random."""
        mdp = self.data
        acting = (1 - self.epsilon) * self.policy + self.epsilon / mdp.actions
        cumulative, leaves = acting.cumsum(-1), np.arange(mdp.horizon)
        s = mdp.begin(draw.random(mdp.horizon))
        for t in range(mdp.horizon):
            u = draw.random((2, mdp.horizon))
            uniform = draw.integers(mdp.actions, size=mdp.horizon)
            a = np.where(t < leaves, drawn(cumulative[t, s], u[0]), uniform)
            after = mdp.step(t, s, a, u[1])
            self.visited[t, s[t], a[t]] += 1  # episode t leaves the policy here
            last = slice(max(t - 1, 0), t + 1)
            self.store(t, s[last], a[last], after[last], draw)
            s = after

    def store(self, t: int, s: Array, a: Array, after: Array, draw: np.random.Generator) -> None:
        """Keep transitions of step t, with their negatives."""
        states, true = self.data.states, np.ones(len(s), dtype=bool)
        if self.negatives == "bernoulli":
            true = draw.random(len(s)) < 0.5
        np.add.at(self.seen, (t, s[true], a[true], after[true]), 1)
        if self.negatives == "exact":
            np.add.at(self.noise, (t, s, a), 1 / states)
            return
        if self.negatives == "bernoulli":
            s, a = s[~true], a[~true]
        count = SEVERAL if self.negatives == "drawn" else 1
        noise = draw.integers(states, size=(len(s), count))
        np.add.at(self.noise, (t, s[:, None], a[:, None], noise), 1 / count)

    def sweep(self, split: str) -> Iterator[Batch]:
        """Every step, state and action, in that order."""
        yield self.batch()

    def ids(self, batch: Batch) -> list[int | str]:
        """`step/state/action`."""
        steps, states, actions = self.visited.shape
        return [f"{h}/{s}/{a}" for h in range(steps) for s in range(states) for a in range(actions)]

    def state_dict(self) -> dict[str, Tensor]:
        """What was seen, the policy that is deployed, the regret of all that were, and why."""
        arrays = (self.seen, self.noise, self.visited, self.policy, np.array(self.regret))
        names = ("seen", "noise", "visited", "policy", "regret")
        told = {n: torch.from_numpy(a) for n, a in zip(names, arrays, strict=True)}
        return {**told, "history": self.history.state_dict()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` gave."""
        for name in ("seen", "noise", "visited", "policy"):
            setattr(self, name, state[name].numpy().copy())
        self.regret = state["regret"].tolist()
        if "history" in state:  # runs before it have none
            self.history.load_state_dict(state["history"])


class CountExplorer(Explorer):
    """The same roll-ins and plan with counts for features: the tabular agent to compare with.

    P_hat is the share of each successor seen (uniform where none was), the bonus
    gamma / sqrt(n + 1). What the encoder learns beside it is not used.
    """

    def believed(self, encoder: torch.nn.Module | None) -> tuple[Array, Array]:
        """The empirical model and the bonus of counts."""
        total = self.seen.sum(-1, keepdims=True)
        uniform = np.full_like(self.seen, 1 / self.data.states)
        model = np.divide(self.seen, total, out=uniform, where=total > 0)
        return model, np.minimum(self.gamma / np.sqrt(self.visited + 1), self.data.horizon)


class LSVIExplorer(Explorer):
    """LSVI-UCB (arXiv:1907.05388) on the true features, which no learner is given: an oracle.

    Q_h = min(r_h + phi^T w_h + beta_h, cap),   w_h = Sigma_h^-1 sum phi(s, a) V_{h+1}(s')

    A process that names no features has its kernel's rows for them, of rank S.
    """

    def optimistic(self, encoder: torch.nn.Module | None) -> Plan:
        """The greedy policy of least-squares values with the bonus of the true features."""
        mdp = self.data
        features = mdp.transitions if mdp.features is None else mdp.features
        flat = features.reshape(len(features), -1, features.shape[-1])
        seen = self.seen.reshape(len(flat), flat.shape[1], -1)
        sigma = covariance(flat, seen.sum(-1), self.lam)
        bonus = self.bonus(features)
        q, v = np.empty_like(bonus), np.zeros(self.data.states)
        for h in range(len(flat) - 1, -1, -1):
            w = np.linalg.solve(sigma[h], flat[h].T @ (seen[h] @ v))
            expected = (flat[h] @ w).clip(0).reshape(bonus.shape[1:])
            q[h] = np.minimum(self.data.rewards[h] + expected + bonus[h], self.data.horizon)
            v = q[h].max(-1)
        return Plan(greedy(q), bonus, q, q)


class GameExplorer(Explorer):
    """Two players: upper and lower values by the same bonus, and an equilibrium between them.

    Plans every fifth iteration, a linear program for each step and state. `regret` holds the
    exploitability of the two marginals.
    """

    replan_every = 5
    data: Game

    def optimistic(self, encoder: torch.nn.Module) -> Plan:
        """Coarse correlated equilibria (H, S, A B) between an upper and a lower value."""
        model, bonus = self.believed(encoder)
        game = self.data
        sigma, upper, lower = optimistic_game(
            model, game.rewards, bonus, game.horizon, game.players
        )
        return Plan(sigma, bonus, upper, lower)

    def shortfall(self, policy: Array) -> float:
        """What best replies to the two players' parts are apart."""
        return self.data.exploitability(policy)
