"""Networks by the shape of an observation: vectors, small grids, and screens of 84 x 84."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast_ucb.spr import renormalize

SCREEN = 36  # pixels from which an image is a screen and no grid


class Trunk(nn.Module):
    """Observations (N, *shape) to latent states: (N, W), or (N, 64, h, w) of a screen.

    A vector goes through two layers, a grid through 3 x 3 filters and a layer, a screen through
    the three convolutions of DQN, brought to [0, 1] image by image.
    """

    def __init__(self, shape: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.screen = len(shape) == 3 and min(shape[1:]) >= SCREEN
        if self.screen:
            self.layers = nn.Sequential(
                *(nn.Conv2d(shape[0], 32, 8, 4), nn.ReLU()),
                *(nn.Conv2d(32, 64, 4, 2), nn.ReLU()),
                *(nn.Conv2d(64, 64, 3, 1), nn.ReLU()),
            )
        elif len(shape) == 3:
            filters = nn.Sequential(nn.Conv2d(shape[0], 16, 3), nn.ReLU(), nn.Flatten())
            inside = filters(torch.zeros(1, *shape)).shape[1]
            self.layers = nn.Sequential(*filters, nn.Linear(inside, width), nn.ReLU())
        else:
            self.layers = nn.Sequential(
                *(nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
            )
        self.latent = self.layers(torch.zeros(1, *shape)).shape[1:]

    def forward(self, x: Tensor) -> Tensor:
        """Latent states."""
        latent = self.layers(x)
        return renormalize(latent) if self.screen else latent


class Dynamics(nn.Module):
    """The latent state after an action, of the same shape: a layer, or two convolutions."""

    def __init__(self, latent: torch.Size, actions: int) -> None:
        super().__init__()
        self.actions, self.screen = actions, len(latent) == 3
        planes = latent[0]
        if self.screen:
            self.layers = nn.Sequential(
                *(nn.Conv2d(planes + actions, planes, 3, padding=1), nn.ReLU()),
                *(nn.BatchNorm2d(planes), nn.Conv2d(planes, planes, 3, padding=1), nn.ReLU()),
            )
        else:
            self.layers = nn.Sequential(nn.Linear(planes + actions, planes), nn.ReLU())

    def forward(self, latent: Tensor, action: Tensor) -> Tensor:
        """Latent states (N, ...) after actions (N,)."""
        told = nn.functional.one_hot(action, self.actions).to(latent)
        if not self.screen:
            return self.layers(torch.cat([latent, told], 1))
        planes = told[..., None, None].expand(-1, -1, *latent.shape[2:])
        return renormalize(self.layers(torch.cat([latent, planes], 1)))


class Dueling(nn.Module):
    """Values (N, A, K) of latent states: the state's, and each action's advantage over the mean.

    K atoms are logits of a distribution; one is the value itself. The layer below, before its
    ReLU, is what is contrasted: `projected` (N, 2 W).
    """

    def __init__(self, inside: int, width: int, actions: int, atoms: int) -> None:
        super().__init__()
        self.shape, self.width = (actions, atoms), width
        self.below = nn.Linear(inside, 2 * width)
        self.state = nn.Linear(width, atoms)
        self.advantage = nn.Linear(width, actions * atoms)

    def projected(self, latent: Tensor) -> Tensor:
        """The first layer, without its ReLU."""
        return self.below(latent.flatten(1))

    def forward(self, projected: Tensor) -> Tensor:
        """Values from what `projected` gave."""
        state, advantage = projected.relu().split(self.width, 1)
        each = self.advantage(advantage).unflatten(1, self.shape)
        return self.state(state)[:, None] + each - each.mean(1, keepdim=True)


class Values(nn.Module):
    """Trunk and dueling head: what a target network is a copy of."""

    def __init__(self, shape: tuple[int, ...], width: int, actions: int, atoms: int) -> None:
        super().__init__()
        self.trunk = Trunk(shape, width)
        self.head = Dueling(self.trunk.latent.numel(), width, actions, atoms)

    def forward(self, x: Tensor) -> Tensor:
        """Values of observations, (N, A, K)."""
        return self.head(self.head.projected(self.trunk(x)))
