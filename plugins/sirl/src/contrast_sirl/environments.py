"""The environments by their names; importing this module registers them with gymnasium.

import contrast_sirl.environments
gymnasium.make("GridRobot-v0"), gymnasium.make("JacoRobot-v0")
"""

from __future__ import annotations

import gymnasium

from contrast_sirl.gridrobot_env import GridRobotEnv
from contrast_sirl.jaco_env import JacoRobotEnv

NAMES = {"GridRobot-v0": GridRobotEnv, "JacoRobot-v0": JacoRobotEnv}

for name, environment in NAMES.items():
    gymnasium.register(name, entry_point=f"{environment.__module__}:{environment.__name__}")
