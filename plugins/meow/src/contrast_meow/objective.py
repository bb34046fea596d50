"""MEOW's loss: a contrast with weighted negatives, and prototypes (arXiv:2212.13847).

Negatives that share a cluster with the anchor are likely false and get a smaller weight.
Equations as the official code computes them; `a` is the coarse view, `f` the fine-grained one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from contrast.forms import Apart
from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.scores import wide
from contrast_meow.form import Graph


class Meow:
    """L = L_con + prototype_weight * L_proto, one direction only: coarse anchors, fine candidates.

    Shapes:  reads `Graph`;  gives two scalars, `contrast` and `prototypes`.
    Gradient: to both views in the contrast, to the coarse view alone in the prototypes.
    Cost: O(N^2 (D + C)) time, O(N (D + C)) memory.
    Raises: ValueError: the form has no clusters, because no sampler related it.
    """

    def __init__(self, temperature: float = 0.4, prototype_weight: float = 1.0) -> None:
        self.temperature = temperature
        self.prototype_weight = prototype_weight

    def __call__(self, form: Graph) -> dict[str, Tensor]:
        """The named terms whose sum is the loss."""
        if form.clusters is None:
            raise ValueError("the form has no clusters; pass it through `MeowSampler.relate` first")
        a, f = form.z
        relation = Apart(form.clusters, form.clusters)
        pull = prototype_loss(
            a,
            form.clusters,
            form.prototypes.split(form.sizes),
            [self.temperature * phi for phi in form.concentration.split(form.sizes)],
        )
        return {
            "contrast": weighted_infonce(a, f, relation, temperature=self.temperature),
            "prototypes": self.prototype_weight * pull,
        }


def weighted_infonce(
    anchor: Tensor, other: Tensor, weights: Apart, *, temperature: float
) -> Tensor:
    """InfoNCE whose negatives are weighted, without the positive in the denominator.

    L = mean_i [ log sum_j w_ij exp(s_ij) - s_ii ],  s_ij = anchor_i . other_j / temperature,
    w_ij = in how many clusterings i and j are apart, so that w_ii = 0.

    Shapes:  anchor, other: (N, D);  returns ().  Gradient: flows to both.
    Cost: O(N^2 (D + C)) time, O(N (D + C)) memory.
    Edge cases: a row whose weights are all 0 (every node in one cluster) is left out of the mean;
    if all are, the loss is 0 with zero gradient. The loss may be negative.
    Raises: ValueError: shapes differ.
    """
    if anchor.shape != other.shape:
        raise ValueError(
            f"both views need one shape, got {tuple(anchor.shape)} and {tuple(other.shape)}"
        )
    anchor, other = wide(anchor), wide(other)
    counted = has_negative(weights)
    share = counted.to(anchor.dtype) / counted.sum().clamp(min=1)  # (N,)
    spread = lse_sum(anchor, other, share, temperature=temperature, weights=(weights,))
    return spread - (share * (anchor * other).sum(1)).sum() / temperature


def has_negative(weights: Apart) -> Tensor:
    """Which rows have any weight: those apart from some column in some clustering, (N,) bool."""
    first = weights.columns[:, :1]
    many = (weights.columns != first).any(1, keepdim=True)  # (C, 1): more than one cluster
    return (many | (weights.rows != first)).any(0)


def prototype_loss(
    z: Tensor,
    clusters: Tensor,
    prototypes: tuple[Tensor, ...] | list[Tensor],
    concentration: tuple[Tensor, ...] | list[Tensor],
) -> Tensor:
    """Pulls a node to the centre of its cluster, away from the other centres.

    L = mean_m mean_i [ log( (N / K_m) sum_k exp(z_i.mu_k / phi_k) ) - z_i.mu_c(i) / phi_c(i) ]
    over C clusterings m; the factor N / K_m is the official averaging's and has no gradient.

    Shapes:  z: (N, D);  clusters: (C, N) integer;  prototypes: C of (K_m, D), of length 1;
    concentration: C of (K_m,), above 0.  Gradient: to z alone.
    """
    z = wide(z)
    terms = []
    for ids, mu, phi in zip(clusters, prototypes, concentration, strict=True):
        logits = z @ mu.detach().to(z).T / phi.detach().to(z)  # (N, K_m)
        own = logits.gather(1, ids[:, None]).squeeze(1)
        terms.append((logits.logsumexp(1) - own).mean() + math.log(len(z) / len(mu)))
    return torch.stack(terms).mean()
