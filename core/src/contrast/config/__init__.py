"""Configuration: typed settings in layers, each effective value with its origin. No torch.

slots are chosen by name first (`objective=infonce`), then their typed fields are read
(`objective.temperature=0.5`): default < preset < YAML file < command line.
"""

from contrast.config.choosing import choices, misfit
from contrast.config.keys import GeneralConfig, keys_of
from contrast.config.layers import flatten, named_plugin, sweep
from contrast.config.resolved import Entry, Resolved
from contrast.config.resolving import resolve, restore
from contrast.config.values import write

__all__ = [
    "Entry",
    "GeneralConfig",
    "Resolved",
    "choices",
    "flatten",
    "keys_of",
    "misfit",
    "named_plugin",
    "resolve",
    "restore",
    "sweep",
    "write",
]
