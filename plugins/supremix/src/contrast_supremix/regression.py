"""Losses of plain regression, on standardised targets."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import huber_loss, l1_loss, mse_loss

from contrast_supremix.form import Predictions


def l1(form: Predictions) -> Tensor:
    """Mean |error|."""
    return l1_loss(form.predicted, form.targets)


def mse(form: Predictions) -> Tensor:
    """Mean squared error."""
    return mse_loss(form.predicted, form.targets)


def huber(form: Predictions, delta: float = 1.0) -> Tensor:
    """Squared / 2 up to `delta` standard deviations, linear beyond."""
    return huber_loss(form.predicted, form.targets, delta=delta)


LOSSES = {"l1": l1, "mse": mse, "huber": huber}


class Loss(nn.Module):
    """One of the losses as the objective of a recipe."""

    kind = "l1"

    def forward(self, form: Predictions) -> Tensor:
        """The loss, a scalar."""
        return LOSSES[self.kind](form)


class L1(Loss):
    """Mean |error|."""


class Mse(Loss):
    """Mean squared error."""

    kind = "mse"


class Huber(Loss):
    """Huber's loss."""

    kind = "huber"
