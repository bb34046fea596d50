"""What an embedding is worth: how well features are read off it, and preferences learnt on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from contrast_sirl.human import prefers_second, reward

NEWTON_STEPS = 30
RIDGE = 0.1  # of the weights of a reward, beside the summed log-likelihood


@dataclass(frozen=True)
class FeatureError:
    """Feature prediction error: squared error summed over the features, mean over trajectories.

    Shapes:  prediction: (N_test, q);  total: ().
    """

    prediction: Tensor
    total: Tensor

    @property
    def mean(self) -> Tensor:
        """The error by feature."""
        return self.total / self.prediction.shape[1]


def feature_error(
    z: Tensor, features: Tensor, z_test: Tensor, features_test: Tensor
) -> FeatureError:
    """FPE of one linear layer with intercept, fitted on training trajectories by least squares.

    FPE = mean over test trajectories of sum_j (W z + b - phi*)_j^2

    Shapes:  z: (N, D), features: (N, q);  z_test: (M, D), features_test: (M, q).
    Edge cases: a collapsed embedding gives the error of the mean.
    Differs: exact, where the authors' lineage runs 20000 steps of Adam.
    """
    z, features, z_test, features_test = (x.double() for x in (z, features, z_test, features_test))
    solution = torch.linalg.pinv(_with_one(z)) @ features
    prediction = _with_one(z_test) @ solution
    total = (prediction - features_test).square().sum(1).mean()
    return FeatureError(prediction, total)


@dataclass(frozen=True)
class Examination:
    """Whom preferences are asked of, and how they are learnt and tested.

    Shapes:  people: (H, q) costs.
    """

    people: Tensor
    preferences: int = 100
    rationality: float | None = 10.0
    test_pairs: int = 4000
    ridge: float = RIDGE


def preference_accuracy(
    z: Tensor,
    features: Tensor,
    train: Tensor,
    test: Tensor,
    how: Examination,
    *,
    generator: Generator,
) -> Tensor:
    """TPA of each person: a linear reward learnt from few preferences, tested on error-free ones.

    Pairs are drawn at random, for each person anew; embeddings are z-scored by training statistics.

    Shapes:  z: (N, D);  features: (N, q);  train, test: row numbers;  returns (H,).
    Edge cases: test pairs of equal reward are left out; if none is left, 0.5.
    """
    z = standardised(z.double(), train)
    rewards = reward(features.double(), how.people.double())  # (H, N)
    pairs = _random_pairs(train, (len(rewards), how.preferences), generator)
    r1, r2 = (rewards.gather(1, side) for side in pairs)
    y = prefers_second(r1, r2, rationality=how.rationality, generator=generator)
    weights = fit_preferences(z[pairs[1]] - z[pairs[0]], y, ridge=how.ridge)
    pairs = _random_pairs(test, (len(rewards), how.test_pairs), generator)
    truth = prefers_second(*(rewards.gather(1, side) for side in pairs), rationality=None)
    said = ((z[pairs[1]] - z[pairs[0]]) @ weights[:, :, None])[..., 0] > 0
    counted = truth != 0.5
    right = (said == (truth == 1)) & counted
    total = counted.sum(1)
    return torch.where(total > 0, right.sum(1) / total.clamp(1), 0.5)


def fit_preferences(difference: Tensor, second_preferred: Tensor, *, ridge: float) -> Tensor:
    """Weights of linear Bradley-Terry rewards, many at once, by Newton's method.

    min_w sum_m [ y softplus(-w^T x) + (1 - y) softplus(w^T x) ] + ridge/2 |w|^2,  x = z2 - z1

    Shapes:  difference: (H, M, D);  second_preferred: (H, M) in [0, 1];  returns (H, D).
    Edge cases: preferences that all agree are no trouble, since ridge > 0; M = 0 gives 0.
    """
    x, y = difference.double(), second_preferred.double()
    weights = x.new_zeros(len(x), x.shape[2])
    floor = ridge * torch.eye(x.shape[2], dtype=x.dtype)
    for _ in range(NEWTON_STEPS):
        chance = torch.sigmoid((x @ weights[:, :, None])[..., 0])
        slope = ((chance - y)[:, None] @ x)[:, 0] + ridge * weights
        curve = (x * (chance * (1 - chance))[..., None]).mT @ x + floor
        weights = weights - _damped(torch.linalg.solve(curve, slope))
    return weights


def standardised(z: Tensor, train: Tensor) -> Tensor:
    """Columns of mean 0 and deviation 1 on the training rows; a constant column stays 0."""
    known = z[train]
    return (z - known.mean(0)) / known.std(0, correction=0).clamp_min(1e-8)


def _damped(step: Tensor) -> Tensor:
    """Newton's step, at most of length 5: far from the optimum the curve may be nearly flat."""
    return step * (5 / step.norm(dim=1, keepdim=True).clamp_min(5))


def _random_pairs(
    rows: Tensor, shape: tuple[int, int], generator: Generator
) -> tuple[Tensor, Tensor]:
    """Pairs of different rows."""
    first = torch.randint(len(rows), shape, generator=generator)
    shift = torch.randint(1, len(rows), shape, generator=generator)
    return rows[first], rows[(first + shift) % len(rows)]


def _with_one(z: Tensor) -> Tensor:
    return torch.cat([z, z.new_ones(len(z), 1)], dim=1)
