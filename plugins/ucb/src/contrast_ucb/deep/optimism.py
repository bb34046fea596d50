"""How rarely a state and an action were met, by their features: the bonus as a module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast_ucb.deep_bonus import accumulate, replay_bonus

RIDGE = 1e-5  # of the official Lambda


class Optimism(nn.Module):
    """b = gamma sqrt(phi^T Lambda^-1 phi), with Lambda beside the weights in a checkpoint.

    `recount` makes Lambda anew from features of what was visited, as the theory asks where phi
    changes. `replayed` adds to one that is never reset, and counts what was drawn from the replay,
    as the official code does.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("precision", RIDGE * torch.eye(size))
        self.register_buffer("root", torch.eye(size))

    @torch.no_grad()
    def recount(self, phi: Tensor, visits: int, lam: float) -> None:
        """Lambda = lam I + sum phi phi^T over all visits, of which (N, K) are some."""
        share = visits / len(phi)
        eye = torch.eye(phi.shape[1], dtype=torch.float64, device=phi.device)
        wide = phi.double()
        precision = lam * eye + share * (wide.mT @ wide)
        root = torch.linalg.solve_triangular(torch.linalg.cholesky(precision), eye, upper=False)
        self.precision.copy_(precision)
        self.root.copy_(root)

    def forward(self, phi: Tensor, gamma: float) -> Tensor:
        """The bonus (...) of features (..., K) by the last recount."""
        return gamma * (phi @ self.root.mT).norm(dim=-1)

    @torch.no_grad()
    def replayed(self, phi: Tensor, gamma: float) -> Tensor:
        """The bonus (...) of features (..., K) that Lambda takes in first; NaN counts as 0."""
        self.precision.copy_(accumulate(self.precision.double(), phi.double()))
        return replay_bonus(phi.double(), self.precision.double(), gamma).nan_to_num(0).to(phi)
