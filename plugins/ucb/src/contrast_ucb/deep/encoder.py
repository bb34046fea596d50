"""The deep agent's network: values, features of states and actions, and the bonus on them."""

from __future__ import annotations

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

    phi(s, a) is a linear map of the latent state that the dynamics predicts after a, psi(s') one
    of the state that came; `mapped=False` leaves the latter as it is, as the official code does.
    Objectives read their directions alone, and the bonus counts phi at length one.
    """

    mixes_rows = True  # every transition is contrasted with the others

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        actions: int,
        scale: float,
        jumps: int,
        mapped: bool,
        official: bool,
        width: int,
        rank: int,
        atoms: int,
        low: float,
        high: float,
        shift: int,
        intensity: float,
    ) -> None:
        super().__init__()
        self.scale, self.jumps = scale, jumps
        self.shift, self.intensity, self.official = shift, intensity, official
        self.online = Values(tuple(shape), width, actions, atoms)
        self.target = EMA(self.online)
        self.dynamics = Dynamics(self.online.trunk.latent, actions)
        size = rank if mapped else 2 * width
        self.left = nn.Linear(2 * width, size)
        self.right = nn.Linear(2 * width, size) if mapped else nn.Identity()
        support = torch.linspace(low, high, atoms) if atoms > 1 else torch.zeros(1)
        self.register_buffer("support", support)
        self.optimism = Optimism(atoms if official else size)

    def train(self, mode: bool = True) -> DeepFeatures:
        """Every module in a mode, if it is not yet: the engine asks before every step."""
        return self if mode == self.training else super().train(mode)

    def forward(self, batch: Sequences) -> Jumps:
        """What `jumps` steps ahead was predicted and came, and the first state's values."""
        head, seen = self.online.head, self.jumps + 1
        x = self.augmented(self.prepared(batch.obs[:seen].flatten(0, 1)))
        latent = self.online.trunk(x).unflatten(0, (seen, -1))  # (J + 1, B, ...)
        ahead, reached = latent[0], []
        for action in batch.action[: self.jumps]:
            ahead = self.dynamics(ahead, action)
            reached.append(ahead)
        every = torch.cat([latent.flatten(0, 1), *reached])
        projected = head.projected(every).unflatten(0, (seen + self.jumps, -1))
        ended = batch.ended[: self.jumps - 1]
        alive = torch.cat([torch.ones_like(batch.ended[:1]), ~ended]).cumprod(0)
        predicted, future = self.left(projected[seen:]), self.right(projected[1:seen])
        return Jumps(predicted, future, alive.bool(), head(projected[0]))

    def embed(self, batch: Sequences) -> dict[str, Tensor]:
        """phi of the first state and action, and the latent state."""
        latent = self.online.trunk(self.prepared(batch.obs[0]))
        return {
            "phi": self.state_actions(latent, batch.action[0]),
            "latent": latent.flatten(1),
        }

    def state_actions(self, latent: Tensor, action: Tensor) -> Tensor:
        """phi of latent states and actions, at length one."""
        ahead = self.dynamics(latent, action)
        return normalize(self.left(self.online.head.projected(ahead)), dim=-1)

    def prepared(self, obs: Tensor) -> Tensor:
        """Observations as the trunk reads them."""
        x = obs.to(self.support.dtype)
        return x / self.scale if self.scale != 1 else x

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

    def bonus(self, latent: Tensor, action: Tensor, gamma: float) -> Tensor:
        """The bonus (N,) of latent states and actions, by the last recount."""
        mode = self.dynamics.training
        self.dynamics.eval()
        phi = self.state_actions(latent, action)
        self.dynamics.train(mode)
        return self.optimism(phi, gamma)

    def outlook(self, x: Tensor, gamma: float) -> tuple[Tensor, Tensor]:
        """What actions are worth at prepared observations, and their bonus: (N, A) each.

        The bonus is 0 where gamma is, and for `official`, whose values have learnt it.
        """
        latent, head = self.online.trunk(x), self.online.head
        worth = expected(head(head.projected(latent)), self.support)
        if not gamma or self.official:
            return worth, torch.zeros_like(worth)
        count = worth.shape[1]
        every = torch.arange(count, device=latent.device).repeat(len(latent))
        bonus = self.bonus(latent.repeat_interleave(count, 0), every, gamma)
        return worth, bonus.view_as(worth)

    def worth(self, obs: Tensor) -> Tensor:
        """What actions are worth at observations, (N, A)."""
        return expected(self.online(self.prepared(obs)), self.support)
