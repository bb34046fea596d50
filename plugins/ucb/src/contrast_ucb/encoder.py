"""Tabular features of a finite process, bounded as the theory asks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast_ucb.form import Transitions
from contrast_ucb.objective import log_score
from contrast_ucb.sampler import Batch

SPREAD = 0.5  # of the first weights: features start apart, and far from their bounds


class TabularFeatures(nn.Module):
    """phi(s, a) in the simplex and psi(s') below 1 / C_neg, for every step.

    phi = softmax(W[h, s, a]),   psi = S sigmoid(U[h, s']):  f = psi^T phi <= S = 1 / C_neg, the
    largest ratio of a kernel to uniform noise. Unbounded psi would fit single draws of noise.
    """

    mixes_rows = True  # all steps are learnt from one batch

    def __init__(self, *, horizon: int, states: int, actions: int, rank: int) -> None:
        super().__init__()
        self.actions, self.states = actions, states
        self.left = nn.Parameter(SPREAD * torch.randn(horizon, states, actions, rank))
        self.right = nn.Parameter(SPREAD * torch.randn(horizon, states, rank))

    def features(self) -> tuple[Tensor, Tensor]:
        """phi (H, S, A, d) and psi (H, S, d)."""
        return self.left.softmax(-1), self.states * self.right.sigmoid()

    def forward(self, batch: Batch) -> Transitions:
        """Log-scores of all transitions, with what was seen of them."""
        phi, psi = self.features()
        f = phi.flatten(1, 2) @ psi.transpose(1, 2)
        return Transitions(log_score(f), batch.seen, batch.noise)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """phi of every step, state and action, in that order."""
        return {"phi": self.features()[0].flatten(0, 2)}
