"""From features to a policy: the model they hold, the bonus they give, the plan on both.

Contrastive UCB, arXiv:2207.14800. A leading axis h of steps is worked on at once.
"""

from __future__ import annotations

import numpy as np

from contrast.errors import ConfigError
from contrast_ucb.mdp import Array

TIE = 1e-9  # actions this close to the best are equally good


def recover(phi: Array, psi: Array, noise: Array) -> tuple[Array, Array]:
    """The normalised features and the model that a trained score holds.

    z(s,a) = sum_s' p_neg(s') psi(s')^T phi(s,a),   phi_hat = phi / z,   psi_hat = p_neg psi,
    P_hat(s'|s,a) = psi_hat(s')^T phi_hat(s,a), whose rows sum to one.

    Shapes:  phi: (..., S, A, d) or (..., N, d);  psi: (..., S, d);  noise: (S,), the distribution
    of negatives;  returns phi_hat like phi, and P_hat (..., S, A, S) or (..., N, S).
    """
    psi_hat = noise[:, None] * psi
    total = psi_hat.sum(-2)
    extra = phi.ndim - psi.ndim  # axes of phi between the steps and d that psi does not have
    shape = total.shape[:-1] + (1,) * (1 + extra) + total.shape[-1:]
    phi_hat = phi / (phi * total.reshape(shape)).sum(-1, keepdims=True)
    flat = phi_hat.reshape(*psi.shape[:-2], -1, phi.shape[-1])
    model = flat @ psi_hat.swapaxes(-1, -2)
    return phi_hat, model.reshape(*phi.shape[:-1], psi.shape[-2])


def covariance(features: Array, counts: Array, lam: float) -> Array:
    """Sigma = lam I + sum of n phi phi^T over the visited, (..., d, d).

    Shapes:  features: (..., N, d);  counts: (..., N).
    Raises: ConfigError: lam is not above zero.
    """
    if not lam > 0:
        raise ConfigError(f"`sampler.lam` must be > 0, got {lam}: Sigma could not be inverted")
    weighted = features * counts[..., None]
    return lam * np.eye(features.shape[-1]) + features.swapaxes(-1, -2) @ weighted


def elliptical_bonus(features: Array, sigma: Array, gamma: float, cap: float) -> Array:
    """beta = min(gamma sqrt(phi^T Sigma^-1 phi), cap), by a Cholesky factor: (..., N).

    Shapes:  features: (..., N, d);  sigma: (..., d, d).
    """
    factor = np.linalg.cholesky(sigma)
    whitened = np.linalg.solve(factor, features.swapaxes(-1, -2))
    return np.minimum(gamma * np.sqrt((whitened**2).sum(-2)), cap)


def plan(model: Array, rewards: Array, bonus: Array, cap: float) -> tuple[Array, Array]:
    """Optimistic values by backward induction.

    Q_h = min(r_h + P_hat_h V_{h+1} + beta_h, cap),   V_h = max_a Q_h,   V_H = 0

    Shapes:  model: (H, S, A, S);  rewards, bonus: (H, S, A);  returns Q (H, S, A) and V (H, S).
    """
    q = np.empty(rewards.shape)
    v = np.zeros(rewards.shape[1])
    for h in range(len(rewards) - 1, -1, -1):
        q[h] = np.minimum(rewards[h] + model[h] @ v + bonus[h], cap)
        v = q[h].max(-1)
    return q, q.max(-1)


def greedy(q: Array) -> Array:
    """The policy (H, S, A) that is uniform over the best actions: ties are common at the start."""
    best = q >= q.max(-1, keepdims=True) - TIE
    return best / best.sum(-1, keepdims=True)
