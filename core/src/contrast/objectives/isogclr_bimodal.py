"""iSogCLR of two modalities: a temperature for each image and each text (arXiv:2305.11965)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.isogclr import Temperatures
from contrast.objectives.sogclr import sample_ids
from contrast.objectives.sogclr_bimodal import Variant, gamma_of, sogclr_bimodal
from contrast.primitives.state_table import StateTable


class ISogCLRBimodal(nn.Module):
    """Bimodal iSogCLR as the objective of a recipe: `sogclr_bimodal`, both sides added.

    Defaults and clipping are those of the authors' code, which takes rho from 6 to 8. LibAUC's are
    `variant="libauc"`, gamma 0.9, rho 6, eta 0.01, temperatures up to 0.05 and `clip=0`.
    """

    def __init__(
        self,
        samples: int,
        temperature: float = 0.01,
        gamma: float = 0.8,
        rho: float = 8.0,
        eta: float = 0.03,
        beta: float = 0.9,
        lowest: float = 0.005,
        highest: float = 1.0,
        clip: float = 5.0,
        variant: Variant = "authors",
    ) -> None:
        super().__init__()
        self.gamma, self.rho, self.variant = gamma, rho, variant
        self.log_u = nn.ModuleList(StateTable(samples, -torch.inf) for _ in range(2))
        step = {"eta": eta, "beta": beta, "lowest": lowest, "highest": highest, "clip": clip}
        self.temperature = nn.ModuleList(
            Temperatures(samples, temperature, **step) for _ in range(2)
        )

    def forward(self, form: Views) -> Tensor:
        """The surrogate loss, a scalar; moves averages and temperatures while training."""
        ids = sample_ids(form)
        log_u = torch.stack([table.read(ids) for table in self.log_u])
        t = torch.stack([table(ids) for table in self.temperature])
        gamma = gamma_of(self.log_u[0], ids, self.gamma, self.variant)
        sides = sogclr_bimodal(form.z, log_u, temperature=t, gamma=gamma, variant=self.variant)
        if self.training:
            for table, temperature, side in zip(self.log_u, self.temperature, sides, strict=True):
                table.write(ids, side.log_u)
                temperature.descend(ids, side.slope + self.rho)
        return sum(side.losses.mean() for side in sides)
