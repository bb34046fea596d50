"""The losses on jumps: true successors against others, or self-prediction without negatives."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from contrast_ucb.deep.form import Jumps
from contrast_ucb.spr import spr_loss


class JumpNCE(nn.Module):
    """The paper's contrastive loss with the rest of the batch for noise (arXiv:2207.14800).

    L = mean_i [ log(1 + 1/f_ii) + 1/(B-1) sum_{k != i} log(1 + f_ik) ],
    f_ik = bound^cos(phi_i, psi_k)

    States that came next elsewhere in the batch are draws of p_neg, the states of the replay; B - 1
    of them weigh as one. Several jumps are averaged; one whose episode ended before is left out.

    Differs: log f is bilinear in features of length one, where the theory has f itself; features in
    the simplex with a bounded psi, as there, stayed almost equal for all states in a network.
    """

    def __init__(self, bound: float = 100.0) -> None:
        super().__init__()
        self.bound = bound

    def forward(self, form: Jumps) -> Tensor:
        """The loss, a scalar."""
        phi, psi = normalize(form.predicted, dim=-1), normalize(form.future, dim=-1)
        log_f = math.log(self.bound) * phi @ psi.mT  # (J, B, B)
        noise = softplus(log_f)
        at, alive = noise.diagonal(dim1=1, dim2=2), form.alive.to(log_f)
        true = at - log_f.diagonal(dim1=1, dim2=2)  # log(1 + 1/f) = log(1 + f) - log f
        others = (noise @ alive[..., None])[..., 0] - alive * at
        per_state = true + others / max(log_f.shape[-1] - 1, 1)
        return (alive * per_state).sum() / alive.sum().clamp_min(1)


class SelfPrediction(nn.Module):
    """What the official code trains: predicted latent states near those that came, no negatives.

    The states that came have no gradient. Jumps behind an episode's end count as 0.
    """

    def forward(self, form: Jumps) -> Tensor:
        """The loss, a scalar."""
        return (spr_loss(form.predicted[None], form.future.detach()[None]) * form.alive).mean()
