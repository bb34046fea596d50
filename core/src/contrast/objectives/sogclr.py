"""SogCLR: a global contrastive loss on small batches (arXiv:2202.12387; LibAUC's unimodal form).

The normaliser of each sample runs over the negatives of the whole data set. It is tracked, by
sample id, as a moving average of what the batches show; its logarithm is kept, so that small
temperatures do not overflow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.objectives.rows import unit
from contrast.objectives.several_views import check_views
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.state_table import StateTable, log_average
from contrast.primitives.structure import OffDiagonal

First = Literal["batch", "sample"]


class SogCLR(nn.Module):
    """SogCLR as the objective of a recipe: `sogclr` on the views, with log u by sample id.

    A first average replaces u where no sample of the batch was seen before (`first="batch"`,
    LibAUC), or where the sample itself was not (`first="sample"`, the authors' first epoch).
    Evaluation leaves the state as it is. An id should occur once in a batch.
    """

    def __init__(
        self, samples: int, temperature: float = 0.1, gamma: float = 0.9, first: First = "batch"
    ) -> None:
        super().__init__()
        self.temperature, self.gamma, self.first = temperature, gamma, first
        self.log_u = StateTable(samples, -torch.inf)

    def forward(self, form: Views) -> Tensor:
        """The surrogate loss, a scalar; moves the averages of the batch while training."""
        ids = sample_ids(form)
        gamma = first_gamma(self.log_u.is_new(ids), self.gamma, self.first)
        found = sogclr(form.z, self.log_u.read(ids), temperature=self.temperature, gamma=gamma)
        if self.training:
            self.log_u.write(ids, found.log_u)
        return found.losses.mean()


@dataclass(frozen=True)
class Tracked:
    """The losses of a batch, and what its samples' states become; only the losses have gradients.

    Shapes:  losses: (N,);  log_u: (N,);  slope: (N,), the gradient of a temperature that is learnt
    (iSogCLR) but for its constant rho.
    """

    losses: Tensor
    log_u: Tensor
    slope: Tensor


def sogclr(
    z: Tensor,
    log_u: Tensor,
    *,
    temperature: float | Tensor,
    gamma: float | Tensor,
    normalize: bool = True,
) -> Tracked:
    """The surrogate loss of each sample whose gradient is that of the global contrastive loss.

    g_vi = mean over negatives of exp(s / t_i),    u_vi = (1 - gamma) u_i + gamma g_vi,
    L_i = (2 / V) sum_v [ mean over negatives of (exp(s / t_i) / u_vi) s  -  mean of s_pos ],
    the quotient detached. Negatives are the V (N - 1) rows of other samples; the next u_i is the
    mean over v (arXiv:2202.12387, Alg. 1).

    Differs: LibAUC raises u to 1e-8 at least, which logarithms do not need. More than two views
    are ours.
    Shapes:  z: (V, N, D) float, any scale (normalised inside, unless told not to);  log_u: (N,),
    -inf where nothing was seen;  temperature: a number or (N,);  gamma: a number, () or (N,).
    Gradient: to all views; the value itself is not the objective.
    Cost: O(V^2 N^2 D) time, O(V N D) memory.
    Edge cases: equal rows are no NaN. NaN in, NaN out (and into u).
    Raises: ValueError: fewer than two views, or one sample, which has no negative.
    """
    views, samples = check_views(z, samples=2)
    z = unit(z) if normalize else wide(z)
    t = torch.as_tensor(temperature, dtype=z.dtype, device=z.device).expand(samples)
    others = OffDiagonal(tuple(samples * offset for offset in range(1 - views, views)))
    rows = row_lse(z.flatten(0, 1), temperature=t.repeat(views), weights=(others,), moment=True)
    lse, moment = rows.lse.view(views, -1), rows.moment.detach().view(views, -1)
    log_g = lse.detach() - math.log(views * (samples - 1))
    updated = log_average(log_u, log_g, gamma)  # (V, N)
    total = (log_g - updated).exp()  # the mean of the quotients
    push = total * (moment + t * (lse - lse.detach()))  # d(t l)/ds = p: the quotients stay fixed
    pull = (z.sum(0).square() - z.square().sum(0)).sum(1) / (views - 1)
    return Tracked(
        losses=2 / views * (push.sum(0) - pull),
        log_u=updated.logsumexp(0) - math.log(views),
        slope=(updated - total * moment / t).mean(0),
    )


def first_gamma(is_new: Tensor, gamma: float, first: First) -> Tensor:
    """Gamma, or 1 where the first average replaces what is not there: () or (N,), float64."""
    replaced = is_new.all() if first == "batch" else is_new
    return torch.full_like(replaced, gamma, dtype=torch.float64).masked_fill(replaced, 1.0)


def sample_ids(form: Views) -> Tensor:
    """The sample ids of the form.     Raises: ValueError: it has none."""
    if form.ids is None:
        raise ValueError("an objective with a state for each sample needs the form's `ids`")
    return form.ids
