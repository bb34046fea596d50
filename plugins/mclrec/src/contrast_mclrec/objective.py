"""MCLRec's comparison of two views of a batch: InfoNCE, and a margin between likes and unlikes.

Meta-optimized Contrastive Learning for Sequential Recommendation (arXiv:2304.07763).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from contrast.forms import Views
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.structure import OffDiagonal

Similarity = Literal["dot", "cosine"]
Scope = Literal["anchor", "global"]


class Contrast(nn.Module):
    """InfoNCE of two views both ways, as CL4SRec has it."""

    def __init__(self, temperature: float = 1.0, similarity: Similarity = "dot") -> None:
        super().__init__()
        self.temperature, self.similarity = temperature, similarity

    def forward(self, form: Views) -> Tensor:
        """The loss of the form's two views, a scalar."""
        a, b = form.z
        return info_nce(a, b, temperature=self.temperature, similarity=self.similarity)


class MclrecContrast(Contrast):
    """InfoNCE, and the margin where an augmenter made one of the views.

    There the similarity is the inner product at temperature 1 whatever is set, as in the official
    code. `margin_pairs=model` keeps the margin to pairs of two learned views, as the paper has it.
    """

    def __init__(
        self,
        temperature: float = 1.0,
        similarity: Similarity = "dot",
        margin_weight: float = 0.1,
        margin_scope: Scope = "anchor",
        margin_pairs: Literal["all", "model"] = "all",
    ) -> None:
        super().__init__(temperature, similarity)
        self.margin_weight, self.margin_scope = margin_weight, margin_scope
        self.least = 1 if margin_pairs == "all" else 2

    def forward(self, form: Views) -> Tensor:
        """The loss of the form's two views, a scalar."""
        learnt = getattr(form, "learnt", 0)
        if not learnt:
            return super().forward(form)
        a, b = form.z
        loss = info_nce(a, b)
        if self.margin_weight and learnt >= self.least:
            loss = loss + self.margin_weight * margin(a, b, scope=self.margin_scope)
        return loss


def info_nce(
    a: Tensor, b: Tensor, *, temperature: float = 1.0, similarity: Similarity = "dot"
) -> Tensor:
    """Cross-entropy of each row's other view among all rows of both views but itself.

    L = mean_i [log sum_{j != i} exp(S_ij) - S_i,p(i)],  S = X X^T / t,  X = [a; b] (2B rows)
                                                            (arXiv:2304.07763, eqs. 5 and 10)

    Differs: the paper sums the two directions; as in the official code this is their mean.

    Shapes:  a, b: (B, D) float, taken as they are for `dot`;  returns (), at least float32.
    Gradient: to both.     Cost: O(B^2 D) time, O(B D) memory.
    Edge cases: B = 1 has no negatives: 0.
    Raises: ValueError: shapes differ, or temperature <= 0.
    """
    x = _stacked(a, b)
    x = normalize(x, dim=1, eps=1e-12) if similarity == "cosine" else x
    lse = row_lse(x, temperature=temperature, weights=(OffDiagonal(),)).lse
    positive = (x[: len(a)] * x[len(a) :]).sum(1) / temperature  # (B,), of both directions
    return lse.mean() - positive.mean()


def margin(a: Tensor, b: Tensor, *, scope: Scope = "anchor") -> Tensor:
    """How far likes rise above, and unlikes sink below, the bounds that they set one another.

    R = mean_i relu(p_i - lo_i) + mean_{i, j negative} relu(hi_i - S_ij),  S = X X^T,
    lo_i = min(p_i, m_i), hi_i = max(p_i, m_i), p_i the positive's similarity, m_i the largest of
    the 2B - 2 negatives'                                          (arXiv:2304.07763, eqs. 11, 12)

    With `scope=global`, as the paper has it, one pair of bounds serves all rows: those of
    min_i p_i and max_i m_i. No gradient is stopped: it flows through the bounds too. It pulls the
    positive down to the hardest negative and negatives up; so do paper and code. Since hi_i bounds
    every negative, the second term is mean_i hi_i less the mean negative, which needs no pairs.

    Shapes:  a, b: (B, D) float;  returns (), at least float32.     Cost: O(B^2 D) time, O(B^2)
    memory.     Edge cases: B = 1 has no negatives: 0. Of equal largest negatives each takes a
    share of the gradient.
    Raises: ValueError: shapes differ.
    """
    x, B = _stacked(a, b), len(a)
    if B == 1:
        return 0 * x.sum()
    p = (x[:B] * x[B:]).sum(1).repeat(2)  # (2B,)
    m = (x @ x.T + _apart(B, x)).amax(1)
    p_bound, m_bound = (p.min(), m.max()) if scope == "global" else (p, m)
    low, high = torch.minimum(p_bound, m_bound), torch.maximum(p_bound, m_bound)
    total = x.sum(0)
    unlike = total @ total - x.square().sum() - p.sum()  # the sum of all negatives' similarities
    return (p - low).relu().mean() + high.mean() - unlike / (2 * B * (2 * B - 2))


def _apart(B: int, like: Tensor) -> Tensor:
    """0 for a negative, -inf for a row itself and its positive: (2B, 2B)."""
    hidden = like.new_zeros(2 * B, 2 * B).fill_diagonal_(-torch.inf)
    hidden.diagonal(B).fill_(-torch.inf)
    hidden.diagonal(-B).fill_(-torch.inf)
    return hidden


def _stacked(a: Tensor, b: Tensor) -> Tensor:
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(
            f"two views must have one shape (B, D), got {tuple(a.shape)} and {tuple(b.shape)}"
        )
    return torch.cat([wide(a), wide(b)])
