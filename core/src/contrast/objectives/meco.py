"""MECO: maximum likelihood of an unnormalised model with known noise (arXiv:2306.07485).

log Z = log E_q[ e^f / q ] is the log of an expectation, whose inner part is tracked by a moving
average over steps. Plain functions of f on data and on noise; no form holds those.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from contrast.objectives.rows import Reduction, reduced
from contrast.primitives.scores import wide
from contrast.primitives.state_table import StateTable, log_average


class Meco(nn.Module):
    """`meco` with its one number of state, log u, which moves in training alone.

    u is the mean of the first batch, then moves by `gamma` towards each further mean.
    """

    def __init__(self, gamma: float = 0.9) -> None:
        super().__init__()
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma must be in (0, 1], got {gamma}")
        self.gamma = gamma
        self.log_u = StateTable(1)

    def forward(
        self,
        data: Tensor,
        noise: Tensor,
        noise_log_density: Tensor,
        noise_before: Tensor | None = None,
    ) -> Tensor:
        """The surrogate loss, a scalar.

        Shapes:  data: (N,), f of the data;  noise, noise_log_density: (M,), f and log q of the
        noise;  noise_before: (M,), f of this same noise under the parameters of the last step:
        then u is the variance-reduced average of `corrected_average`.
        """
        slot = torch.zeros(1, dtype=torch.long, device=data.device)
        log_ratio = (wide(noise) - noise_log_density).detach()
        log_u = log_mean_exp(log_ratio)
        if not self.log_u.is_new(slot):
            old = self.log_u.read(slot)[0].to(log_u)
            if noise_before is None:
                log_u = log_average(old, log_u, self.gamma)
            else:
                before = log_mean_exp((wide(noise_before) - noise_log_density).detach())
                log_u = corrected_average(old, before, log_u, self.gamma)
        if self.training:
            self.log_u.write(slot, log_u[None])
        return meco(data, noise, noise_log_density, log_u)


def meco(
    data: Tensor,
    noise: Tensor,
    noise_log_density: Tensor,
    log_u: Tensor | float,
    *,
    reduction: Reduction = "mean",
) -> Tensor:
    """The surrogate loss whose gradient is that of the negative log-likelihood, u standing for Z.

    L = -mean_i f(x_i) + mean_k exp(f(xi_k) - log q(xi_k) - log u)      (arXiv:2306.07485)

    Shapes:  data: (N,), f of the data;  noise, noise_log_density: (M,), f and log q of the noise;
    log_u: ();  returns (), or (N,) with the noise's mean in each if reduction="none".
    Gradient: to f of data and noise.     Cost: O(N + M).
    Edge cases: with log_u near the noise's log mean the ratios are of order 1, however large f is;
    far below it they overflow. NaN in, NaN out.
    Raises: ValueError: noise and its log-densities differ in shape.
    """
    if noise.shape != noise_log_density.shape:
        raise ValueError(
            "noise and noise_log_density must have one shape, got "
            f"{tuple(noise.shape)} and {tuple(noise_log_density.shape)}"
        )
    ratio = (wide(noise) - noise_log_density - log_u).exp()
    return reduced(ratio.mean() - wide(data), reduction)


def log_mean_exp(x: Tensor) -> Tensor:
    """log of the mean of e^x, ()."""
    return x.logsumexp(0) - math.log(len(x))


def corrected_average(old: Tensor, before: Tensor, now: Tensor, gamma: float) -> Tensor:
    """log of (1 - gamma) (u - g') + g, from the logs of u, of g' before the step and of g after it.

    Subtracting what the old parameters give on the same noise removes most of the average's lag.
    The paper's own estimator is not known to be this one. Where the sum is not positive, which a
    difference of estimates may be, the plain average takes its place.
    """
    top = torch.stack((old, before, now)).max()
    u, g_before, g = ((x - top).exp() for x in (old, before, now))
    corrected = (1 - gamma) * (u - g_before) + g
    plain = log_average(old, now, gamma)
    return torch.where(corrected > 0, corrected.clamp_min(1e-30).log() + top, plain)
