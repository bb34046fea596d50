"""The best value so far, how long ago it was, and the weights that had it."""

from __future__ import annotations

import math
from typing import Any

from contrast.errors import ConfigError, did_you_mean, listing
from contrast.recipe import TrainerConfig


class Monitor:
    """Watches `trainer.monitor`: the loss (smaller is better) or a metric (larger is better)."""

    def __init__(self, trainer: TrainerConfig) -> None:
        self.trainer = trainer
        self.best, self.best_epoch = -math.inf, 0
        self.measured = 0  # the last epoch whose value is known
        self.weights: dict[str, Any] | None = None

    def improves(self, epoch: int, loss: float, metrics: dict[str, float | None] | None) -> bool:
        """Take in an epoch; whether its value is the best so far.

        `metrics` is None where the epoch was not validated, a metric where it has no value there.
        """
        if self.trainer.monitor == "loss":
            value = -loss
        elif metrics is None or (found := self._metric(metrics)) is None:
            return False
        else:
            value = found
        self.measured = epoch
        self.best_epoch = self.best_epoch or epoch  # patience begins with the first value
        if not value > self.best:  # NaN is never better
            return False
        self.best, self.best_epoch = value, epoch
        return True

    def exhausted(self, epoch: int) -> bool:
        """Whether this epoch was measured, and `trainer.patience` passed without a better value."""
        patience = self.trainer.patience
        return 0 < patience <= epoch - self.best_epoch and self.measured == epoch

    def state(self) -> dict[str, Any]:
        """What a resumed run needs, but the weights."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def restore(self, state: dict[str, Any], weights: dict[str, Any]) -> None:
        """Continue from a state and the weights of its best epoch."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.weights = weights or None

    def _metric(self, metrics: dict[str, float | None]) -> float | None:
        name = self.trainer.monitor
        if name not in metrics:
            raise ConfigError(
                f"no metric `{name}` to monitor{did_you_mean(name, metrics)}"
                f"\n`trainer.monitor` may be loss or one of {listing(metrics)}"
            )
        return metrics[name]
