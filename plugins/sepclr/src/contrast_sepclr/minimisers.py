"""What keeps the common and the salient space apart: k-JEM, and the estimators it is compared with.

Each takes c (N, Dc), unit rows, and t (N, Ds), whose background rows are 0, and gives a scalar
that falls as they say less of each other. None forms all pairs in memory.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from contrast.primitives.inner_optimizer import InnerOptimizer
from contrast.primitives.row_lse import row_lse
from contrast.primitives.scores import wide
from contrast.primitives.structure import OffDiagonal

HIDDEN = 64  # units of the networks that estimate
LOG_2PI = math.log(2 * math.pi)


def joint_entropy_loss(c: Tensor, t: Tensor, *, tau: float) -> Tensor:
    """mean_i log mean_j exp(-(|c_i - c_j|^2 + |t_i - t_j|^2) / (2 tau)), with j = i: k-JEM.

    Minus the entropy of a kernel density of (c, t), up to a constant; minimising it spreads the
    pairs.                                                       (arXiv:2402.11928, section 3)

    Shapes:  c: (N, Dc), t: (N, Ds), rows as they are.  Returns ().
    Gradient: to both.     Cost: O(N^2 (Dc + Ds)) time, O(N (Dc + Ds)) memory.
    Edge cases: no rows, and one row, give 0.
    """
    both = torch.cat([wide(c), wide(t)], 1)
    if not len(both):
        return both.sum()
    return _mean_density(both, tau).mean()


def kernel_mi(c: Tensor, t: Tensor, *, tau: float) -> Tensor:
    """I(c; t) by kernels: jem(c, t) - jem(c, 0) - jem(0, t); it also pulls the marginals."""
    none_c, none_t = c[:, :0], t[:, :0]
    return (
        joint_entropy_loss(c, t, tau=tau)
        - joint_entropy_loss(c, none_t, tau=tau)
        - joint_entropy_loss(none_c, t, tau=tau)
    )


def mmd(c: Tensor, t: Tensor, *, tau: float) -> Tensor:
    """Squared kernel distance of joint samples from all pairs (c_i, t_j): 0 iff independent.

    mean_ij K_ij L_ij + mean K mean L - 2 mean_i (mean_j K_ij)(mean_j L_ij), K of c and L of t.
    Edge cases: no rows give 0.
    """
    if not len(c):
        return wide(c).sum() + wide(t).sum()
    both = _mean_density(torch.cat([wide(c), wide(t)], 1), tau).exp()
    k, ell = _mean_density(c, tau).exp(), _mean_density(t, tau).exp()
    return both.mean() + k.mean() * ell.mean() - 2 * (k * ell).mean()


def _mean_density(x: Tensor, tau: float) -> Tensor:
    """log mean_j exp(-|x_i - x_j|^2 / (2 tau)), (N,); at most 0, which rounding could pass."""
    lse = row_lse(x, temperature=2 * tau, score="distance").lse
    return lse - math.log(len(x))


class GaussianGiven(nn.Module):
    """q(t | c), a Gaussian whose mean and log-variance a small network reads off c."""

    def __init__(self, common_width: int, salient_width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(common_width, HIDDEN), nn.ReLU())
        self.mean = nn.Linear(HIDDEN, salient_width)
        self.log_variance = nn.Linear(HIDDEN, salient_width)

    def forward(self, c: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance, (N, Ds) each; the latter in -6..6."""
        hidden = self.body(c.to(self.mean.weight))
        return self.mean(hidden), 6 * torch.tanh(self.log_variance(hidden) / 6)

    def log_prob(self, t: Tensor, c: Tensor) -> Tensor:
        """log q(t_i | c_i), (N,)."""
        mean, log_variance = self(c)
        square = (t - mean).square() * (-log_variance).exp()
        return -(square + log_variance + LOG_2PI).sum(1) / 2


class Variational(nn.Module):
    """The estimators on q(t | c), which is fitted by likelihood within the step.

    vclub:   mean_i log q(t_i | c_i) - mean_ij log q(t_j | c_i)
    vub:     mean_i [log q(t_i | c_i) - log N(t_i; 0, 1)]
    vl1out:  mean_i [log q(t_i | c_i) - log 1/(N-1) sum_{j != i} q(t_i | c_j)]

    Edge cases: fewer than two rows give 0.
    """

    def __init__(self, kind: str, given: GaussianGiven, *, lr: float, steps: int) -> None:
        super().__init__()
        self.against = {"vclub": against_all, "vub": against_normal, "vl1out": against_others}[kind]
        self.inner, self.steps = InnerOptimizer(given, lr=lr), steps

    def fit(self, c: Tensor, t: Tensor) -> None:
        """Fit q(t | c) to these rows, before the estimates of a step are asked for."""
        if len(c) > 1:
            self.inner.fit(lambda q: -q.log_prob(t, c).mean(), steps=self.steps)

    def forward(self, c: Tensor, t: Tensor) -> Tensor:
        """The estimate, a scalar."""
        if len(c) < 2:
            return 0 * (c.sum() + t.sum())
        q = self.inner.module
        return q.log_prob(t, c).mean() - self.against(q, c, t)


def against_all(q: GaussianGiven, c: Tensor, t: Tensor) -> Tensor:
    """mean_ij log q(t_j | c_i), by the first two moments of t: O(N D)."""
    mean, log_variance = q(c)
    first, second = t.mean(0), t.square().mean(0)
    square = (second - 2 * mean * first + mean.square()) * (-log_variance).exp()
    return -(square + log_variance + LOG_2PI).sum(1).mean() / 2


def against_normal(q: GaussianGiven, c: Tensor, t: Tensor) -> Tensor:
    """mean_i log N(t_i; 0, 1)."""
    return -(t.square() + LOG_2PI).sum(1).mean() / 2


def against_others(q: GaussianGiven, c: Tensor, t: Tensor) -> Tensor:
    """mean_i log 1/(N-1) sum_{j != i} q(t_i | c_j): a Gaussian is an inner product of 2 Ds + 1."""
    mean, log_variance = q(c)
    precision = (-log_variance).exp()
    constant = -(mean.square() * precision + log_variance + LOG_2PI).sum(1, keepdim=True) / 2
    candidates = torch.cat([-precision / 2, mean * precision, constant], 1)
    anchors = torch.cat([t.square(), t, torch.ones_like(t[:, :1])], 1)
    lse = row_lse(anchors, candidates.to(anchors.dtype), weights=(OffDiagonal(),)).lse
    return lse.mean() - math.log(len(t) - 1)


class TotalCorrelation(nn.Module):
    """The mean logit of a discriminator that tells (c_i, t_i) from (c_i, t_pi(i)).

    Edge cases: fewer than two rows give 0.
    """

    def __init__(self, common_width: int, salient_width: int, *, lr: float, steps: int) -> None:
        super().__init__()
        width = common_width + salient_width
        judge = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1))
        self.inner, self.steps = InnerOptimizer(judge, lr=lr), steps

    def fit(self, c: Tensor, t: Tensor) -> None:
        """Fit the discriminator to these rows, before the logits of a step are asked for."""
        if len(c) > 1:
            self.inner.fit(lambda judge: _judged(judge, c, t), steps=self.steps)

    def forward(self, c: Tensor, t: Tensor) -> Tensor:
        """The mean logit on true pairs, a scalar."""
        if len(c) < 2:
            return 0 * (c.sum() + t.sum())
        return _logits(self.inner.module, c, t).mean()


def _judged(judge: nn.Module, c: Tensor, t: Tensor) -> Tensor:
    """Cross-entropy of true pairs against shuffled ones."""
    shuffled = t[torch.randperm(len(t), device=t.device)]
    wrong = softplus(-_logits(judge, c, t)) + softplus(_logits(judge, c, shuffled))
    return wrong.mean()


def _logits(judge: nn.Module, c: Tensor, t: Tensor) -> Tensor:
    return judge(torch.cat([c, t], 1).to(judge[0].weight))[:, 0]


class KernelTerm(nn.Module):
    """One of the terms that learn nothing."""

    def __init__(self, kind: str, tau: float) -> None:
        super().__init__()
        self.term = {"jem": joint_entropy_loss, "kmi": kernel_mi, "mmd": mmd, "none": nothing}[kind]
        self.tau = tau

    def forward(self, c: Tensor, t: Tensor) -> Tensor:
        """The term, a scalar."""
        return self.term(c, t, tau=self.tau)


def nothing(c: Tensor, t: Tensor, *, tau: float) -> Tensor:
    """0: the spaces may say the same."""
    return c.new_zeros(())


def make_minimiser(
    kind: str, common_width: int, salient_width: int, *, tau: float, lr: float, steps: int
) -> nn.Module:
    """The term of that name: jem, none, kmi, vclub, vub, vl1out, tc or mmd.

    Raises: ValueError: there is no such term.
    """
    if kind in ("jem", "none", "kmi", "mmd"):
        return KernelTerm(kind, tau)
    if kind == "tc":
        return TotalCorrelation(common_width, salient_width, lr=lr, steps=steps)
    if kind in ("vclub", "vub", "vl1out"):
        given = GaussianGiven(common_width, salient_width)
        return Variational(kind, given, lr=lr, steps=steps)
    raise ValueError(f"mi_term must be jem, none, kmi, vclub, vub, vl1out, tc or mmd, got {kind!r}")
