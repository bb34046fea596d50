"""The deep agent's network: values, features of states and actions, and the bonus on them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from contrast.primitives.ema import EMA
from contrast_ucb.deep.form import Jumps
from contrast_ucb.deep.networks import Dynamics, Values
from contrast_ucb.deep.optimism import Optimism
from contrast_ucb.deep.replay import Sequences
from contrast_ucb.deep.values import expected


class DeepFeatures(nn.Module):
    """One trunk for values and contrast.

    phi(s, a) is read off the latent state that the dynamics predicts after a, psi(s') off the one
    that came. `simplex`, as the theory has it: phi sums to one, 0 < psi < bound, so that the score
    psi^T phi is positive and bounded. Else phi is a linear map of the prediction and psi is not
    mapped, as in the official code.

    `noise` (K,) is the mean of psi over states met, which the bonus needs.
    """

    mixes_rows = True  # every transition is contrasted with the others

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        actions: int,
        scale: float,
        jumps: int,
        simplex: bool,
        official: bool,
        width: int,
        rank: int,
        bound: float,
        atoms: int,
        low: float,
        high: float,
        shift: int,
        intensity: float,
    ) -> None:
        super().__init__()
        self.scale, self.jumps, self.simplex, self.bound = scale, jumps, simplex, bound
        self.shift, self.intensity, self.official = shift, intensity, official
        self.online = Values(tuple(shape), width, actions, atoms)
        self.target = EMA(self.online)
        self.dynamics = Dynamics(self.online.trunk.latent, actions)
        size = rank if simplex else 2 * width
        self.left = nn.Linear(2 * width, size)
        self.right = nn.Linear(2 * width, size) if simplex else nn.Identity()
        support = torch.linspace(low, high, atoms) if atoms > 1 else torch.zeros(1)
        self.register_buffer("support", support)
        self.register_buffer("noise", torch.ones(size))
        self.optimism = Optimism(atoms if official else size)

    def train(self, mode: bool = True) -> DeepFeatures:
        """Every module in a mode, if it is not yet: the engine asks before every step."""
        return self if mode == self.training else super().train(mode)

    def forward(self, batch: Sequences) -> Jumps:
        """What `jumps` steps ahead was predicted and came, and the first state's values."""
        head, seen = self.online.head, self.jumps + 1
        x = self.augmented(self.prepared(batch.obs[:seen].flatten(0, 1)))
        latent = self.online.trunk(x).unflatten(0, (seen, -1))  # (J + 1, B, ...)
        projected = head.projected(latent.flatten(0, 1)).unflatten(0, (seen, -1))
        ahead, predicted = latent[0], []
        for action in batch.action[: self.jumps]:
            ahead = self.dynamics(ahead, action)
            predicted.append(self.phi(head.projected(ahead)))
        ended = batch.ended[: self.jumps - 1]
        alive = torch.cat([torch.ones_like(batch.ended[:1]), ~ended]).cumprod(0)
        return Jumps(
            torch.stack(predicted), self.psi(projected[1:]), alive.bool(), head(projected[0])
        )

    def embed(self, batch: Sequences) -> dict[str, Tensor]:
        """phi of the first state and action, and the latent state."""
        latent = self.online.trunk(self.prepared(batch.obs[0]))
        return {
            "phi": self.state_actions(latent, batch.action[0]),
            "latent": latent.flatten(1),
        }

    def phi(self, projected: Tensor) -> Tensor:
        """Features of a state and an action from the state that is predicted after it."""
        return self.left(projected).softmax(-1) if self.simplex else self.left(projected)

    def psi(self, projected: Tensor) -> Tensor:
        """Features of a state; of the simplex they begin near one, where nothing is known."""
        if not self.simplex:
            return self.right(projected)
        return self.bound * (self.right(projected) - math.log(self.bound - 1)).sigmoid()

    def state_actions(self, latent: Tensor, action: Tensor) -> Tensor:
        """The features that the bonus counts: phi / z, or phi at length one."""
        phi = self.phi(self.online.head.projected(self.dynamics(latent, action)))
        if not self.simplex:
            return normalize(phi, dim=-1)
        return phi / (phi @ self.noise)[:, None]  # z = mean of psi^T phi over states met

    def prepared(self, obs: Tensor) -> Tensor:
        """Observations as the trunk reads them."""
        return obs.to(self.support.dtype) / self.scale

    def augmented(self, x: Tensor) -> Tensor:
        """Images moved by some pixels and made lighter or darker, while training."""
        if not self.training or not self.shift:
            return x
        count, _, height, width = x.shape
        padded = pad(x, (self.shift,) * 4, mode="replicate")
        down, right = torch.randint(2 * self.shift + 1, (2, count, 1), device=x.device)
        rows = (down + torch.arange(height, device=x.device))[:, None, :, None]
        columns = (right + torch.arange(width, device=x.device))[:, None, None]
        planes = torch.arange(x.shape[1], device=x.device)[None, :, None, None]
        moved = padded[
            torch.arange(count, device=x.device)[:, None, None, None], planes, rows, columns
        ]
        noise = torch.randn(count, 1, 1, 1, dtype=x.dtype, device=x.device).clamp(-2, 2)
        return moved * (1 + self.intensity * noise)

    def worth(self, obs: Tensor) -> Tensor:
        """What actions are worth at observations, (N, A)."""
        return expected(self.online(self.prepared(obs)), self.support)
