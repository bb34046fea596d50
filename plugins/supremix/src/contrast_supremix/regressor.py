"""SupReMix as an estimator of scikit-learn."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from contrast_supremix.comparison import contrast
from contrast_supremix.objective import SupReMix
from contrast_supremix.scaling import Scaling, TargetScale
from contrast_supremix.split import Split
from contrast_supremix.training import Budget, Stack, pretrain, probe, tune

LEAST_VALID = 5  # rows; below, epochs are chosen by the training rows


class SupReMixRegressor(RegressorMixin, TransformerMixin, BaseEstimator):
    """Pre-trains features ordered by the target, then regresses on them.

    A share of the rows chooses the best epoch. Missing values are allowed; categories must be
    numbers (use `contrast run plugin=supremix` or a `ColumnTransformer` for text).

    `objective`: supremix, supcon, rank_n_contrast, or none for a network without contrast, which
    is trained for the epochs of both stages.
    """

    def __init__(
        self,
        objective: Literal["supremix", "supcon", "rank_n_contrast", "none"] = "supremix",
        fine_tune: bool = True,
        temperature: float = 0.3,
        window: float = 5.0,
        pretrain_epochs: int = 50,
        tune_epochs: int = 50,
        batch_size: int = 64,
        lr: float = 1e-3,
        width: int = 128,
        valid_share: float = 0.2,
        random_state: Any = None,
    ) -> None:
        self.objective = objective
        self.fine_tune = fine_tune
        self.temperature = temperature
        self.window = window
        self.pretrain_epochs = pretrain_epochs
        self.tune_epochs = tune_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.width = width
        self.valid_share = valid_share
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SupReMixRegressor:
        """Learn from rows X, (N, F), with targets y, (N,).

        Raises: ValueError: fewer than two rows, an unknown objective, a share or a size out of its
        range, or values that are infinite.
        """
        self._refuse_settings()
        X, y = validate_data(
            self,
            X,
            y,
            dtype=np.float64,
            ensure_all_finite="allow-nan",
            ensure_min_samples=2,
            y_numeric=True,
        )
        y = np.asarray(y, dtype=np.float64)
        draw = check_random_state(self.random_state)
        seed = int(draw.randint(2**31 - 1))
        split = self._split(draw.permutation(len(y)))
        stack = Stack.of(X, y, [split], [seed])
        fitted = self._trained(stack, seed)
        flagged = np.flatnonzero(np.isnan(X).any(0))
        self.scaling_ = Scaling.of(X[split.train], flagged)
        self.scale_ = TargetScale.of(y[split.train])
        net, head, centre = fitted
        # In float64 a row's answer does not depend on the rows beside it.
        self.features_, self.head_ = net.double(), head.double()
        self.centre_ = tuple(torch.as_tensor(each).double() for each in centre)
        self.n_iter_ = self.pretrain_epochs + self.tune_epochs
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Targets of rows X, (M, F), as (M,)."""
        check_is_fitted(self)
        z = self._features(X)
        mean, std = self.centre_
        with torch.no_grad():
            said = self.head_((z - mean) / std)[0, :, 0]
        return self.scale_.target(said.numpy())

    def transform(self, X: Any) -> np.ndarray:
        """The ordered features of rows, (M, width)."""
        check_is_fitted(self)
        return self._features(X)[0].numpy()

    def _refuse_settings(self) -> None:
        known = ("supremix", "supcon", "rank_n_contrast", "none")
        if self.objective not in known:
            raise ValueError(f"objective must be one of {', '.join(known)}, got {self.objective!r}")
        if not 0 <= self.valid_share < 1:
            raise ValueError(f"valid_share must be in [0, 1), got {self.valid_share}")
        least = {"batch_size": 2, "width": 1, "pretrain_epochs": 0, "tune_epochs": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")

    def _features(self, X: Any) -> torch.Tensor:
        X = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        with torch.no_grad():
            return self.features_(torch.from_numpy(self.scaling_(X)).double()[None])

    def _split(self, order: np.ndarray) -> Split:
        valid = round(len(order) * self.valid_share)
        if valid < LEAST_VALID:
            return Split(order, order, order[:0])
        return Split(order[valid:], order[:valid], order[:0])

    def _trained(self, stack: Stack, seed: int) -> tuple[Any, Any, tuple[Any, Any]]:
        """Features, head, and by what features are standardised before it."""
        epochs = self.tune_epochs
        budget = Budget(
            self.pretrain_epochs, epochs, epochs, self.batch_size, self.lr, 10 * self.lr, self.width
        )
        if self.objective == "none":
            from contrast_supremix.training import network

            net, epochs = network(stack, self.width, "plain"), budget.whole
        else:
            own = SupReMix(temperature=self.temperature, window=self.window)
            net = pretrain(stack, contrast(self.objective, own, [seed]), budget, self.objective)
        if self.fine_tune or self.objective == "none":
            fitted = tune(stack, net, ["l1"], epochs, budget, "tune")
            return fitted.net, fitted.head, (0.0, 1.0)
        fitted = probe(stack, net, budget, "probe")
        return net, fitted.head, fitted.centre

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
