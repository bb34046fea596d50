"""SepCLR, arXiv:2402.11928: two spaces, of which the salient one is empty on the background.

    L = L_common + b_s L_salient + b_r L_informationless + lambda L_leakage

with c the unit rows of the common head, s the salient head as it is, and t_i = s_i for targets, the
constant 0 for the background. tau = 1/2 throughout the paper, where 2 tau = 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from contrast.objectives.alignment_uniformity import uniformity
from contrast.objectives.rows import unit
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast_sepclr.form import Spaces
from contrast_sepclr.minimisers import make_minimiser

Leakage = Callable[[Tensor, Tensor], Tensor]


class SepCLR(nn.Module):
    """The four terms on a `Spaces` form, each weighted; `mi_term` says what keeps c and t apart.

    The estimators that learn (`vclub`, `vub`, `vl1out`, `tc`) are fitted within every step.
    """

    def __init__(
        self,
        common_width: int,
        salient_width: int,
        salient_weight: float = 1000.0,
        informationless_weight: float = 1000.0,
        leakage_weight: float = 10.0,
        mi_term: str = "jem",
        tau: float = 0.5,
        uniform_factor: float = 2.0,
        inner_lr: float = 1e-3,
        inner_steps: int = 1,
    ) -> None:
        super().__init__()
        self.weights = salient_weight, informationless_weight, leakage_weight
        self.tau, self.uniform_factor = tau, uniform_factor
        self.leakage = make_minimiser(
            mi_term, common_width, salient_width, tau=tau, lr=inner_lr, steps=inner_steps
        )

    def forward(self, form: Spaces) -> dict[str, Tensor]:
        """The weighted terms by name, scalars whose sum is the loss."""
        if self.training and hasattr(self.leakage, "fit"):
            self._fit(form)
        common, salient, informationless, leakage = sepclr_terms(
            form.z,
            form.salient,
            form.is_target,
            leakage=self.leakage,
            tau=self.tau,
            uniform_factor=self.uniform_factor,
        ).values()
        a, b, c = self.weights
        return {
            "common": common,
            "salient": a * salient,
            "informationless": b * informationless,
            "leakage": c * leakage,
        }

    @torch.no_grad()
    def _fit(self, form: Spaces) -> None:
        """Fit the estimator to both views, before either is estimated."""
        check_spaces(form.z, form.salient, form.is_target, self.tau)
        t = wide(form.salient) * form.is_target[:, None]
        self.leakage.fit(unit(form.z).flatten(0, 1), t.flatten(0, 1))


def sepclr_terms(
    z: Tensor,
    salient: Tensor,
    is_target: Tensor,
    *,
    leakage: Leakage,
    tau: float = 0.5,
    uniform_factor: float = 2.0,
) -> dict[str, Tensor]:
    """The four terms before they are weighted, by name.

    L_common  = align(c1, c2) + u/2 sum_v uniform(c_v)                 over both groups
    L_salient = align(s1, s2 | targets) + u/2 sum_v uniform(t_v)       zero rows repel the targets
    L_informationless = 1/2 sum_v align(0, s_v | background)
    L_leakage = 1/2 sum_v leakage(c_v, t_v), by default `joint_entropy_loss`      (section 3)

    Shapes:  z: (2, N, Dc) any scale;  salient: (2, N, Ds);  is_target: (N,) bool.  Scalars.
    Gradient: to both views; the zero rows of the background are constants.
    Cost: O(N^2 (Dc + Ds)) time, O(N (Dc + Ds)) memory.
    Edge cases: a term over an empty group is 0; so is uniformity of fewer than two rows.
    Raises: ValueError: shapes do not fit, or tau <= 0.
    """
    check_spaces(z, salient, is_target, tau)
    c, s = unit(z), wide(salient)
    target = is_target.bool()
    t = s * target[:, None]  # (2, N, Ds); the gradient of a background row is exactly 0
    spread = sum(uniform(each, tau=tau, normalize=True) for each in z) / 2
    lonely = sum(salient_uniform(each, target, tau=tau) for each in s) / 2
    return {
        "common": align(c[0], c[1], tau=tau) + uniform_factor * spread,
        "salient": align(s[0], s[1], target, tau=tau) + uniform_factor * lonely,
        "informationless": sum(align(each, 0 * each, ~target, tau=tau) for each in s) / 2,
        "leakage": sum(leakage(*pair) for pair in zip(c, t, strict=True)) / 2,
    }


def check_spaces(
    z: Tensor, salient: Tensor, is_target: Tensor, tau: float, salient_views: int = 2
) -> None:
    """Raises: ValueError: shapes do not fit, or tau <= 0."""
    n = len(is_target)
    views = len(z), len(salient)
    if (
        (z.ndim, salient.ndim) != (3, 3)
        or views != (2, salient_views)
        or z.shape[1] != salient.shape[1]
    ):
        raise ValueError(
            f"z must be (2, N, D) and salient ({salient_views}, N, D) of the same samples, got "
            f"{tuple(z.shape)} and {tuple(salient.shape)}"
        )
    if is_target.shape != (z.shape[1],):
        raise ValueError(f"is_target must be ({z.shape[1]},), got {n} of {tuple(is_target.shape)}")
    if not tau > 0:
        raise ValueError(f"tau must be > 0, got {tau}")


def align(a: Tensor, b: Tensor, among: Tensor | None = None, *, tau: float) -> Tensor:
    """mean_i |a_i - b_i|^2 / (2 tau), over the rows `among` which it holds.

    Shapes:  a, b: (N, D);  among: (N,) bool or None for all.  Returns ().
    Edge cases: over no rows it is 0.
    """
    square = (wide(a) - wide(b)).square().sum(-1)
    if among is None:
        return square.sum() / (2 * tau * max(len(square), 1))
    return (square * among).sum() / among.sum().clamp(min=1) / (2 * tau)


def uniform(a: Tensor, *, tau: float, normalize: bool = False) -> Tensor:
    """log of the mean over pairs i < j of exp(-|a_i - a_j|^2 / (2 tau)).

    Shapes:  a: (N, D), rows as they are unless `normalize`, which halves the cost.  Returns ().
    Edge cases: fewer than two rows have no pair: 0.
    """
    if len(a) < 2:
        return 0 * wide(a).sum()
    return uniformity(a, t=1 / (2 * tau), normalize=normalize)


def salient_uniform(s: Tensor, target: Tensor, *, tau: float) -> Tensor:
    """`uniform` of targets s_i among zero rows for the background: targets against targets alone.

    The pairs of zero rows are 1 each, so that no sum of theirs with others underflows; a target is
    as far from each zero row.

    Shapes:  s: (N, Ds);  target: (N,) bool.  Returns ().
    """
    own, n = wide(s)[target], len(s)
    rest = n - len(own)
    if rest < 2:
        return uniform(s * target[:, None], tau=tau)
    across = (-own.square().sum(1) / (2 * tau)).exp().sum()
    among = row_lse(own, temperature=2 * tau, score="distance").lse.exp().sum() - len(own)
    pairs = rest * (rest - 1) + 2 * rest * across + among
    return (pairs / (n * (n - 1))).log() + 0 * wide(s).sum()  # a background alone has a graph
