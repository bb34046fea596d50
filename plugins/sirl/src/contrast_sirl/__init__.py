"""SIRL: robot features from answers to which two of three are alike (arXiv:2301.00810).

contrast_sirl.Reward.load("runs/sirl-gridrobot-seed0")     the learnt reward of trajectories
contrast_sirl.LearntReward(env, reward)                    the same in a gymnasium environment
contrast_sirl.environments                                 GridRobot-v0 and JacoRobot-v0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast_sirl.wrapper import LearntReward, Reward

__all__ = ["LearntReward", "Reward"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("contrast_sirl.wrapper"), name)
    raise AttributeError(f"module `contrast_sirl` has no attribute `{name}`")
