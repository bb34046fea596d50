"""Rerankers from language models: contrast of "yes" logits, or a yes/no answer each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softplus

from contrast.forms import Lists
from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide
from contrast_alignment.form import YesNo
from contrast_alignment.objectives.compared import best, bound, existing


@dataclass(frozen=True)
class Pull:
    """How hard and which way a loss moves the logits of each document: dL/dlogit.

    Shapes:  weight: (N, K) >= 0;  yes, no: (N, K) sign of the direction along either row.
    """

    weight: Tensor
    yes: Tensor
    no: Tensor


def rerank_contrastive(lists: Lists, *, reduction: Reduction = "mean") -> Tensor:
    """InfoNCE over the "yes" logits of one relevant document and the others of its list.

    L = -log softmax(yes)_best                                              (arXiv:2510.14824)

    Shapes:  scores: (N, K);  returns () or (N,) if reduction="none".
    Gradient: flows to the scores.     Differs: no temperature.
    """
    exists = existing(lists)
    x = wide(lists.scores).masked_fill(~exists, -torch.inf)
    x = x.masked_fill(~exists.any(1, keepdim=True), 0)
    losses = -log_softmax(x, 1).gather(1, best(lists))[:, 0]
    several = exists.sum(1) > 1
    return reduced(losses.masked_fill(~several, 0), reduction, several)


def rerank_sft(lists: YesNo, *, reduction: Reduction = "mean") -> Tensor:
    """Each document answered "yes" or "no" by a softmax of two, summed over the list.

    L = sum_i -log P(correct_i),  P(yes) = sigmoid(yes - no)                (arXiv:2510.14824)

    Shapes:  scores, no: (N, K);  returns () or (N, K) if reduction="none".
    Gradient: flows to both logits.
    Raises: ValueError: there are no logits of "no".
    """
    exists = existing(lists)
    losses = softplus(-_margin(lists)).masked_fill(~exists, 0)
    if reduction == "none":
        return losses
    return reduced(losses.sum(1), reduction, exists.any(1))


def contrastive_pull(lists: Lists) -> Pull:
    """W_0 = 1 - softmax_0 = sum_i W_i, W_i = softmax_i; along "yes" alone.

    The weight is shared over the list: an easy one gives nothing.
    """
    chance = torch.softmax(wide(lists.scores).masked_fill(~existing(lists), -torch.inf), 1)
    sign = -_sign(lists)
    return Pull(torch.where(sign < 0, 1 - chance, chance), sign, torch.zeros_like(sign))


def sft_pull(lists: YesNo) -> Pull:
    """W_i = 1 - P(correct_i), each document by itself; along yes - no."""
    sign = -_sign(lists)
    weight = torch.sigmoid(-_margin(lists)).masked_fill(~existing(lists), 0)
    return Pull(weight, sign, -sign)


def _sign(lists: Lists) -> Tensor:
    """+1 at the relevant document, -1 elsewhere.  (N, K)."""
    negative = -torch.ones_like(wide(lists.scores))
    return negative.scatter(1, best(lists), 1.0)


def _margin(lists: YesNo) -> Tensor:
    """Log-odds of the correct answer.  (N, K)."""
    if getattr(lists, "no", None) is None:
        raise ValueError('rerank_sft needs the logits of "no" beside those of "yes"')
    return _sign(lists) * (wide(lists.scores) - wide(lists.no))


build = bound(rerank_contrastive)
