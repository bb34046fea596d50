"""iSogCLR: SogCLR with a temperature for each sample, learnt on the way (arXiv:2305.11965).

t_i minimises t_i log u_i + t_i rho, the dual of a loss that is robust within a KL ball of radius
rho: small for samples with few alike, large for common ones.
"""

from __future__ import annotations

from torch import Tensor, inf, nn

from contrast.forms import Views
from contrast.objectives.sogclr import First, first_gamma, sample_ids, sogclr
from contrast.primitives.state_table import StateTable


class ISogCLR(nn.Module):
    """iSogCLR as the objective of a recipe: `sogclr` on the views, with log u and t by sample id.

    The defaults are LibAUC's. The authors' code on CIFAR-100 has rho 0.4, gamma 0.8, beta 0.5,
    eta 0.03, temperatures up to 1, `clip=3` and `first="sample"`.
    """

    def __init__(
        self,
        samples: int,
        temperature: float = 0.1,
        gamma: float = 0.9,
        first: First = "batch",
        rho: float = 0.3,
        eta: float = 0.01,
        beta: float = 0.9,
        lowest: float = 0.05,
        highest: float = 0.7,
        clip: float = 0.0,
    ) -> None:
        super().__init__()
        self.gamma, self.first, self.rho = gamma, first, rho
        self.log_u = StateTable(samples, -inf)
        self.temperature = Temperatures(
            samples, temperature, eta=eta, beta=beta, lowest=lowest, highest=highest, clip=clip
        )

    def forward(self, form: Views) -> Tensor:
        """The surrogate loss, a scalar; moves averages and temperatures while training."""
        ids = sample_ids(form)
        gamma = first_gamma(self.log_u.is_new(ids), self.gamma, self.first)
        t = self.temperature(ids)
        found = sogclr(form.z, self.log_u.read(ids), temperature=t, gamma=gamma)
        if self.training:
            self.log_u.write(ids, found.log_u)
            self.temperature.descend(ids, found.slope + self.rho)
        return found.losses.mean()


class Temperatures(nn.Module):
    """A table of temperatures by sample id, and of the momentum with which they descend.

    v_i <- (1 - beta) v_i + beta g_i,    t_i <- clip(t_i - eta v_i, lowest, highest)
    """

    def __init__(
        self,
        samples: int,
        start: float,
        *,
        eta: float,
        beta: float,
        lowest: float,
        highest: float,
        clip: float = 0.0,
    ) -> None:
        super().__init__()
        self.eta, self.beta, self.clip = eta, beta, clip
        self.lowest, self.highest = lowest, highest
        self.table = StateTable(samples, start)
        self.momentum = StateTable(samples)

    def forward(self, ids: Tensor) -> Tensor:
        """The temperatures of some samples, (N,)."""
        return self.table.read(ids)

    def descend(self, ids: Tensor, gradient: Tensor) -> None:
        """One step down the gradient, clipped to +-clip where clip is not 0."""
        if self.clip:
            gradient = gradient.clamp(-self.clip, self.clip)
        v = (1 - self.beta) * self.momentum.read(ids) + self.beta * gradient
        moved = self.table.read(ids) - self.eta * v
        self.momentum.write(ids, v)
        self.table.write(ids, moved.clamp(self.lowest, self.highest))
