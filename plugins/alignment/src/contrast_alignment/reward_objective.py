"""Rewards in the order of the preferences, and the states behind them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from contrast_alignment.form import Rated
from contrast_alignment.objectives.compared import existing, grades
from contrast_alignment.objectives.reward import Kind, reward
from contrast_alignment.reward_contrast import simcse, swav
from contrast_alignment.watching import extremes

VOTED = ("margin", "flip", "flip_margin", "soft_label_margin")


class RewardObjective(nn.Module):
    """L = L_reward + b L_contrast                                (arXiv:2401.06080, section 3.3)

    The contrast reads `again`, a second dropout of the states. Of a list of more than two the
    difference is that of the best and the worst response.

    Raises: ValueError: there is a contrast, and the states were read once.
    """

    def __init__(
        self,
        *,
        state_width: int,
        kind: Kind,
        alpha: float,
        contrast: Literal["none", "simcse", "swav"],
        contrast_on: Literal["difference", "responses"],
        contrast_weight: float,
        temperature: float,
        prototypes: int,
    ) -> None:
        super().__init__()
        self.kind, self.alpha = kind, alpha
        self.contrast, self.contrast_on = contrast, contrast_on
        self.contrast_weight, self.temperature = contrast_weight, temperature
        if contrast == "swav":
            self.prototypes = nn.Parameter(torch.randn(prototypes, state_width))

    def forward(self, form: Rated) -> Tensor | dict[str, Tensor]:
        """The loss, or its two terms."""
        loss = reward(form.judged(), kind=self.kind, alpha=self.alpha)
        if self.contrast == "none":
            return loss
        if form.again is None:
            raise ValueError(
                "the contrast needs the states of a second dropout; `again` is missing"
            )
        return {"reward": loss, "contrast": self.contrast_weight * self.contrasted(form)}

    def contrasted(self, form: Rated) -> Tensor:
        """The contrast of what `contrast_on` names."""
        picked = picked_states if self.contrast_on == "responses" else differences
        states, again = picked(form, form.states), picked(form, form.again)
        if self.contrast == "simcse":
            return simcse(states, again, temperature=self.temperature)
        return swav(states, again, self.prototypes, temperature=self.temperature)


def picked_states(form: Rated, states: Tensor) -> Tensor:
    """The states of all responses that exist.  (rows, D)."""
    return states[existing(form.judged())]


def differences(form: Rated, states: Tensor) -> Tensor:
    """The best response's state less the worst one's.  (N, D)."""
    lists = form.judged()
    good, bad = extremes(grades(lists), existing(lists))
    weight = good.to(states.dtype) - bad.to(states.dtype)
    return (weight[:, :, None] * states).sum(1)


def build_plain() -> Callable[[Rated], Tensor]:
    """Bradley-Terry, for those who vote."""
    return lambda form: reward(form.judged())
