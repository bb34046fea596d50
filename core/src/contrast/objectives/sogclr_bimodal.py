"""SogCLR of two modalities, such as images and their texts (arXiv:2202.12387, authors' code).

Each side has a normaliser of its own for each sample, of differences s_ij - s_ii. The code keeps
u_i e^-b_i with a running maximum b_i; here log u_i is kept, which needs no b.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import unit
from contrast.objectives.several_views import check_views
from contrast.objectives.sogclr import Tracked, first_gamma, sample_ids
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.state_table import StateTable, log_average
from contrast.primitives.structure import OffDiagonal

Variant = Literal["authors", "libauc"]


class SogCLRBimodal(nn.Module):
    """Bimodal SogCLR as the objective of a recipe: view 0 against view 1 and back, added.

    LibAUC's defaults are `variant="libauc"` and gamma 0.9. Evaluation leaves the state as it is. An
    id should occur once in a batch.
    """

    def __init__(
        self,
        samples: int,
        temperature: float = 0.01,
        gamma: float = 0.8,
        variant: Variant = "authors",
    ) -> None:
        super().__init__()
        self.temperature, self.gamma, self.variant = temperature, gamma, variant
        self.log_u = nn.ModuleList(StateTable(samples, -torch.inf) for _ in range(2))

    def forward(self, form: Views) -> Tensor:
        """The surrogate loss, a scalar; moves the averages of the batch while training."""
        ids = sample_ids(form)
        log_u = torch.stack([table.read(ids) for table in self.log_u])
        sides = sogclr_bimodal(
            form.z,
            log_u,
            temperature=self.temperature,
            gamma=gamma_of(self.log_u[0], ids, self.gamma, self.variant),
            variant=self.variant,
        )
        if self.training:
            for table, side in zip(self.log_u, sides, strict=True):
                table.write(ids, side.log_u)
        return sum(side.losses.mean() for side in sides)


def sogclr_bimodal(
    z: Tensor,
    log_u: Tensor,
    *,
    temperature: float | Tensor,
    gamma: float | Tensor,
    normalize: bool = True,
    variant: Variant = "authors",
) -> tuple[Tracked, Tracked]:
    """The surrogate losses of each sample as image and as text, which the loss adds up.

    h_ij = s_ij - s_ii,   g_i = sum_j exp(h_ij / t_i) / (N - 1),   u_i = (1 - gamma) u_i + gamma g_i
    L_i = sum_j (exp(h_ij / t_i) / u_i) h_ij / (N - 1),  the quotient detached; j = i is in the sum

    `libauc` leaves j = i out, does not divide the sum of L_i by N - 1, and halves the loss, so that
    it is (N - 1) / 2 times as large: another learning rate. Its temperatures see no such factor.

    Differs: the authors add 1e-10 to u e^-b, and LibAUC raises it to 1e-20 at least, neither of
    which logarithms need; LibAUC takes rows as they are, here only without `normalize`.
    Shapes:  z: (2, N, D) float, any scale (normalised inside, unless told not to);  log_u: (2, N),
    -inf where nothing was seen;  temperature: a number or (2, N);  gamma: a number, () or (N,).
    Gradient: to both sides; the value itself is not the objective.
    Cost: O(N^2 D) time, O(N D) memory.
    Edge cases: equal and zero rows are no NaN. NaN in, NaN out (and into u).
    Raises: ValueError: not two views, one sample, which has no negative, or an unknown variant.
    """
    if variant not in ("authors", "libauc"):
        raise ValueError(f"variant must be authors or libauc, got {variant!r}")
    views, samples = check_views(z, samples=2)
    if views != 2:
        raise ValueError(f"z must hold two modalities, got {views}")
    image, text = unit(z) if normalize else wide(z)
    t = torch.as_tensor(temperature, dtype=image.dtype, device=z.device).expand(2, samples)
    return (
        _one_way(image, text, log_u[0], t[0], gamma, variant),
        _one_way(text, image, log_u[1], t[1], gamma, variant),
    )


def gamma_of(table: StateTable, ids: Tensor, gamma: float, variant: Variant) -> float | Tensor:
    """Gamma; under `libauc` 1 where no sample of the batch was seen before."""
    return gamma if variant == "authors" else first_gamma(table.is_new(ids), gamma, "batch")


def _one_way(
    a: Tensor, k: Tensor, log_u: Tensor, t: Tensor, gamma: float | Tensor, variant: Variant
) -> Tracked:
    others, scale = ((), 1) if variant == "authors" else ((OffDiagonal(),), (len(a) - 1) / 2)
    own = (a * k).sum(1)
    rows = row_lse(a, k, temperature=t, weights=others, moment=True)
    lse, moment = rows.lse, rows.moment.detach()
    log_g = lse.detach() - own.detach() / t - math.log(len(a) - 1)
    updated = log_average(log_u, log_g, gamma)
    total = (log_g - updated).exp()  # the sum of the quotients over N - 1
    mean = moment + t * (lse - lse.detach())  # d(t l)/ds = p: the quotients stay fixed
    slope = updated - total * (moment - own.detach()) / t
    return Tracked(scale * total * (mean - own), updated, slope)
