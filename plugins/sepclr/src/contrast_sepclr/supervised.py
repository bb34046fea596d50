"""The supervised variant: attributes of the targets are known, one salient dimension for each.

    L = L_common + b_s mean_k [ 1/2 (supervised_align_k + align(0, s_k | background))
                                + uniform(t_k) ] + lambda jem(c, t)       (arXiv:2402.11928, app.)

The first view is the clean sample, the second an augmented one; salient space and k-JEM see the
clean one alone, and the uniformity of the common space counts once.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.objectives.rows import unit
from contrast.primitives.scores import wide
from contrast_sepclr.form import Spaces
from contrast_sepclr.minimisers import joint_entropy_loss
from contrast_sepclr.objective import align, check_spaces, salient_uniform, uniform

NARROW = 0.025  # tau of attributes that are amounts
EQUAL = 0.5e-5  # of attributes that are classes: equal or not


class SupervisedSepCLR(nn.Module):
    """The supervised variant on a `Spaces` form whose `targets` hold the attributes, (N, K).

    Those at the positions `categorical` are classes, the others amounts of about 0 to 1. A target
    of which an attribute is not `known` is left out of that attribute's alignment.
    """

    def __init__(
        self,
        categorical: tuple[int, ...] = (),
        salient_weight: float = 100.0,
        leakage_weight: float = 10.0,
        tau: float = 0.5,
    ) -> None:
        super().__init__()
        self.categorical = frozenset(categorical)
        self.weights, self.tau = (salient_weight, leakage_weight), tau

    def forward(self, form: Spaces) -> dict[str, Tensor]:
        """The weighted terms by name, scalars whose sum is the loss.

        Raises: ValueError: there are more attributes than salient dimensions.
        """
        check_spaces(form.z, form.salient[:1], form.is_target, self.tau, salient_views=1)
        c, s, target = unit(form.z), wide(form.salient[0]), form.is_target.bool()
        if form.targets.shape[1] > s.shape[1]:
            raise ValueError(
                f"{form.targets.shape[1]} attributes need as many salient dimensions, got "
                f"{s.shape[1]}; set `encoder.salient_width`"
            )
        spread = sum(uniform(each, tau=self.tau) for each in c) / 2
        known = target[:, None].expand_as(form.targets)
        if form.known is not None:
            known = known & form.known
        each = [
            self._dimension(s[:, k : k + 1], form.targets[:, k], target, known[:, k], k)
            for k in range(form.targets.shape[1])
        ]
        leakage = joint_entropy_loss(c[0], s * target[:, None], tau=self.tau)
        return {
            "common": align(c[0], c[1], tau=self.tau) + spread,
            "salient": self.weights[0] * torch.stack(each).mean(),
            "leakage": self.weights[1] * leakage,
        }

    def _dimension(self, own: Tensor, y: Tensor, target: Tensor, known: Tensor, k: int) -> Tensor:
        equal = k in self.categorical
        pulled = supervised_align(own[known, 0], y[known], tau=EQUAL if equal else NARROW)
        silent = align(own, 0 * own, ~target, tau=self.tau if equal else NARROW)
        return (pulled + silent) / 2 + salient_uniform(own, target, tau=self.tau)


def supervised_align(s: Tensor, y: Tensor, *, tau: float) -> Tensor:
    """mean over pairs i < j of exp(-(y_i - y_j)^2 / (2 tau)) (s_i - s_j)^2.

    Shapes:  s, y: (N,).  Returns ().     Cost: O(N^2) time and memory, one number a pair.
    Edge cases: fewer than two rows give 0.
    """
    n = len(s)
    if n < 2:
        return 0 * s.sum()
    alike = (-(y[:, None] - y[None]).square() / (2 * tau)).exp().to(s.dtype)
    return (alike * (s[:, None] - s[None]).square()).sum() / (n * (n - 1))
