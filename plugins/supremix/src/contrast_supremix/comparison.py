"""Every method on the same splits, at one budget: what contrast is worth on these data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrast.engine.randomness import generator
from contrast.objectives.rank_n_contrast import ranked_losses
from contrast_supremix.kinds import KINDS
from contrast_supremix.network import joined
from contrast_supremix.objective import SupReMix, anchor_losses, rounded
from contrast_supremix.scaling import Scaling, missing_columns
from contrast_supremix.split import Split
from contrast_supremix.training import (
    Budget,
    Contrast,
    Fitted,
    Stack,
    features,
    network,
    pretrain,
    probe,
    tune,
)

VANILLA = ("l1", "mse", "huber")
CONTRASTS = ("supremix", "supcon", "rank_n_contrast")
# From the plainest: where a difference is within its spread, the plainer method is recommended.
SIMPLEST_FIRST = (
    "ridge",
    "gradient boosting",
    *(f"network, {kind}" for kind in VANILLA),
    *(
        f"{name}, {head}"
        for name in ("supcon", "rank_n_contrast", "supremix")
        for head in ("probe", "tune")
    ),
)


@dataclass(frozen=True)
class Tried:
    """One method on S splits, in the standardised unit of each split's target.

    Shapes:  predicted: (S, N) in the target's unit;  valid_mae: (S,) in the target's unit;
    features: (S, N, D) or None.
    """

    predicted: np.ndarray
    valid_mae: np.ndarray
    features: np.ndarray | None = None


def compare(
    x: np.ndarray,
    y: np.ndarray,
    splits: Sequence[Split],
    seeds: Sequence[int],
    *,
    budget: Budget,
    supremix: SupReMix,
    contrasts: Sequence[str] = CONTRASTS,
    kind: str = "table",
) -> dict[str, Tried]:
    """Every method by name, trained on each split with its seed, from the plainest.

    A network that is not pre-trained gets as many epochs as pre-training and tuning together.
    Shapes:  x: (N, ...) of the kind, as it was read;  y: (N,).
    """
    found: dict[str, Tried] = {}
    given = {"budget": budget, "supremix": supremix, "contrasts": contrasts, "kind": kind}
    for some in comparing(x, y, splits, seeds, **given):
        found |= some
    return {name: found[name] for name in SIMPLEST_FIRST if name in found}


def comparing(
    x: np.ndarray,
    y: np.ndarray,
    splits: Sequence[Split],
    seeds: Sequence[int],
    *,
    budget: Budget,
    supremix: SupReMix,
    contrasts: Sequence[str] = CONTRASTS,
    kind: str = "table",
) -> Iterator[dict[str, Tried]]:
    """The methods of `compare` as they are done, some at a time."""
    yield from boosted_and_ridge(x, y, splits, seeds, kind)
    stack = Stack.of(x, y, splits, seeds, kind)
    wide = stack.times(len(VANILLA))
    losses = [kind for kind in VANILLA for _ in seeds]
    net = network(wide, budget.width, "vanilla")
    fitted = tune(wide, net, losses, budget.whole, budget, "vanilla")
    z = features(wide, fitted.net)
    yield {
        f"network, {kind}": _tried(stack, fitted, i, z=z if kind == "l1" else None)
        for i, kind in enumerate(VANILLA)
    }
    if not contrasts:
        return
    nets = [pretrain(stack, contrast(n, supremix, seeds), budget, n) for n in contrasts]
    together, wide = joined(nets), stack.times(len(nets))
    fitted = probe(wide, together, budget, "probe")
    z = features(wide, together)
    yield {f"{n}, probe": _tried(stack, fitted, i, z=z) for i, n in enumerate(contrasts)}
    fitted = tune(wide, together, ["l1"] * len(wide), budget.tune_epochs, budget, "tune")
    yield {f"{n}, tune": _tried(stack, fitted, i) for i, n in enumerate(contrasts)}


def contrast(name: str, supremix: SupReMix, seeds: Sequence[int]) -> Contrast:
    """A contrast of S members in label units, giving each member's loss."""
    if name == "supremix":
        return _Supremix(supremix, seeds)
    return {"supcon": partial(_supcon, supremix.temperature), "rank_n_contrast": _rank}[name]


class _Supremix:
    """SupReMix of S members; mixtures are drawn anew at every call, by the seeds of all."""

    def __init__(self, objective: SupReMix, seeds: Sequence[int]) -> None:
        self.objective = objective
        self.generator = generator("mixtures", *seeds)

    def __call__(self, z: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
        given, binned = self.objective.choices(), rounded(targets, self.objective.label_bin)
        return anchor_losses(z, binned, generator=self.generator, **given).mean(1)


def _supcon(temperature: float, z: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The core's `supcon` of each member: SupReMix without mixtures and weights."""
    given = {"mix_neg": False, "mix_pos": False, "distance_weight": "none"}
    each = anchor_losses(z, labels, temperature=temperature, denominator="count", **given)
    mated = (labels[:, :, None] == labels[:, None]).sum(2) > 1
    return each.sum(1) / mated.sum(1).clamp(1)


def _rank(z: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    return ranked_losses(z, targets[..., None], torch.arange(z.shape[1]), 2.0).mean(1)


def boosted_and_ridge(
    x: np.ndarray, y: np.ndarray, splits: Sequence[Split], seeds: Sequence[int], kind: str
) -> Iterator[dict[str, Tried]]:
    """scikit-learn's ridge regression and gradient boosting, on the training rows of each split."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import RidgeCV

    makers: dict[str, Callable[[int], Any]] = {
        "ridge": lambda seed: RidgeCV(np.logspace(-3, 4, 15)),
        "gradient boosting": lambda seed: HistGradientBoostingRegressor(random_state=seed),
    }
    numbers = [KINDS[kind].plain(x, split.train) for split in splits]
    for name, make in makers.items():
        rows, errors = [], []
        for given, split, seed in zip(numbers, splits, seeds, strict=True):
            if name == "ridge":
                given = Scaling.of(given[split.train], missing_columns(given))(given)
            model = make(seed).fit(given[split.train], y[split.train])
            rows.append(model.predict(given))
            errors.append(np.abs(rows[-1] - y)[split.valid].mean())
        yield {name: Tried(np.stack(rows), np.array(errors))}


def _tried(stack: Stack, fitted: Fitted, place: int, *, z: Tensor | None = None) -> Tried:
    own = slice(place * len(stack), (place + 1) * len(stack))
    predicted = fitted.predicted[own].double().numpy()
    rows = np.stack([s.target(p) for s, p in zip(stack.scales, predicted, strict=True)])
    errors = fitted.valid_mae[own].double().numpy() * np.array([s.std for s in stack.scales])
    return Tried(rows, errors, None if z is None else z[own].numpy())
