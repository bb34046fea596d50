"""In-context ranking preference optimization: a ranked list that the model writes in one go."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide
from contrast_alignment.form import InContext
from contrast_alignment.objectives.compared import bound, existing, gaps, grades, log_ratios

Variant = Literal["clean", "official", "paper"]
LEAK = 100.0  # what the official code subtracts from the self term, before beta


def irpo(
    lists: Lists, *, beta: float = 1.0, variant: Variant = "clean", reduction: Reduction = "mean"
) -> Tensor:
    """Each item against all others of its list, weighed by relevance and position.

    P_i = sigmoid(-log sum_j exp(beta (r_j - r_i))),  r = mean log pi - mean log ref of the item
    w_i = (2^rel_i - 1) / log2(1 + rank_i)
    paper:     - sum_i w_i log P_i, j over all items
    clean:     - mean_i w_i log P_i, with the mean over j != i for the sum      (arXiv:2504.15477)
    official:  as clean, but the self term is only lowered by 100 before it is multiplied by beta:
               it leaks where beta is small

    Scores are mean log-probabilities of the items; where the form has lengths they are sums, and
    divided. `positions` are those of `InContext`, else the order of the list.

    Shapes:  scores, reference, targets: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Cost: O(N K^2).
    Edge cases: no relevance gives 0; a list of one gives 0.
    Differs: the mean over lists, where the official code takes the sum; its weights are float32.
    """
    r = log_ratios(lists, normalize=lists.lengths is not None)
    weight = position_weights(lists).to(r.dtype)
    exists = existing(lists)
    each = weight * softplus(_others(beta, gaps(r), exists, variant))  # -log P_i
    items = exists.sum(1)
    each = each.masked_fill(~exists, 0).sum(1)
    each = each if variant == "paper" else each / items.clamp_min(1)
    several = items > 1
    return reduced(each.masked_fill(~several, 0), reduction, several)


def position_weights(lists: Lists) -> Tensor:
    """w = (2^rel - 1) / log2(1 + rank), relevance gain times DCG discount, 0 where no item is.

    Shapes:  returns (N, K).
    """
    rank = lists.positions if isinstance(lists, InContext) else None
    if rank is None:
        rank = torch.arange(1, lists.scores.shape[1] + 1, device=lists.scores.device)
    gain = torch.exp2(grades(lists)) - 1
    return gain / torch.log2(1 + wide(rank).masked_fill(~existing(lists), 1))


def _others(beta: float, gap: Tensor, exists: Tensor, variant: Variant) -> Tensor:
    """log of the sum (paper) or of the mean of exp(beta (r_j - r_i)) over the others.  (N, K)."""
    own = torch.eye(gap.shape[1], dtype=torch.bool, device=gap.device)
    x = -beta * gap  # (N, i, j)
    if variant == "official":
        x = x - beta * LEAK * own
    hidden = ~exists[:, None, :] | (own & (variant == "clean"))
    # a row that has nobody to be compared with is given itself, so that its gradient stays finite
    hidden = hidden & ~(hidden.all(2, keepdim=True) & own)
    found = x.masked_fill(hidden, -torch.inf).logsumexp(2)
    if variant == "paper":
        return found
    return found - (exists.sum(1, keepdim=True) - 1).clamp_min(1).to(x.dtype).log()


build = bound(irpo)
