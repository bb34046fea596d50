"""AdaMEOW's loss: InfoNCE whose weights are learnt (arXiv:2212.13847, IEEE TKDE version).

Equations as the official code computes them; `a` is the coarse view, `f` the fine-grained one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.forms import Views
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.structure import LowRank

HIDDEN = 16  # units of the network that weighs, as in the official code
LOOKED_AT = 256  # anchors whose weights are averaged for the log


class AdaMeow(nn.Module):
    """Fine anchors against coarse candidates, each pair with a learnt weight.

    L = mean_i [ log sum_j w_ij exp(f_i.a_j / t) - f_i.a_i / t ]
    w_ij = sigmoid( v . tanh(Q (f_i + a_j) + b) + b' )

    As Q (f_i + a_j) = Q f_i + Q a_j, no (N, N, D) tensor is formed. The positive is among the
    candidates, weighted too.

    The loss has no lower bound: shrinking every weight lowers it without end. So it is no criterion
    to stop or to choose an epoch by; watch `mean_weight`, and choose on validation.

    Shapes:  reads `Views` of two views;  gives one scalar, `contrast`.
    Gradient: to both views and to the weights.
    Cost: O(N^2 (D + 16)) time, O(N D) memory.
    """

    def __init__(self, compared: int, temperature: float = 0.9) -> None:
        super().__init__()
        self.temperature = temperature
        self.mix = nn.Linear(compared, HIDDEN)
        self.score = nn.Linear(HIDDEN, 1)

    def forward(self, form: Views) -> dict[str, Tensor]:
        """The one named term."""
        a, f = form.z
        weights = (self.weights(f, a),)
        loss = lse_sum(f, a, temperature=self.temperature, weights=weights, positive=0)
        return {"contrast": loss}

    def weights(self, anchors: Tensor, candidates: Tensor) -> LowRank:
        """w of all pairs, by structure."""
        return LowRank(
            rows=self.mix(anchors),
            columns=candidates @ self.mix.weight.T,
            direction=self.score.weight[0],
            bias=self.score.bias[0],
        )

    @torch.no_grad()
    def mean_weight(self, form: Views) -> Tensor:
        """The mean of w over all candidates of up to 256 to 511 anchors, evenly spaced, ()."""
        a, f = form.z
        every = max(len(f) // LOOKED_AT, 1)
        return self.weights(f[::every], a).log_weight().exp().mean()
