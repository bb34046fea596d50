"""What followed a history, by a softmax: over all items without a (B, I) tensor, or sampled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.scores import wide
from contrast_mclrec.form import NextItem


class Softmax(nn.Module):
    """The softmax as the objective of a recipe that does nothing else."""

    def forward(self, form: NextItem) -> Tensor:
        """The mean loss, a scalar."""
        return next_item_loss(form)


def next_item_loss(form: NextItem) -> Tensor:
    """Cross-entropy of what followed among all items, padding included; the mean over B.

    L = mean_b [log sum_{i=0..I} exp(<h_b, e_i>) - <h_b, e_t(b)>]      (arXiv:2304.07763, eq. 4)

    The sum goes through the streaming primitive: (B, I) scores never stand in memory.
    With `negatives` the sum over the other items is estimated from those:
    exp(<h, e_t>) + sum_k [i_k != t] exp(<h, e_ik> - log(K q_ik)), whose expectation is the whole
    sum (arXiv:1712.00527); there padding takes no part.

    Shapes:  see `NextItem`;  returns (), at least float32.
    Gradient: to h, the table and `followed`.   Cost: O(B I D) time, O((B + I) D) memory.
    Edge cases: negatives that are the target are left out.
    """
    h, followed = wide(form.h), wide(form.followed)
    target = (h * followed).sum(1)  # (B,)
    if form.negatives is None:
        return lse_sum(h, wide(form.table)) - target.mean()
    others = h @ wide(form.table)[form.negatives].T - form.log_expected  # (B, K)
    others = others.masked_fill(form.targets[:, None] == form.negatives, -torch.inf)
    return (torch.cat([target[:, None], others], 1).logsumexp(1) - target).mean()
