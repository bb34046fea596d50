"""Rewards of a response, the larger the better: rules on its text, in 0..1; models in a folder."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from contrast.errors import ConfigError, DataError, did_you_mean, listing
from contrast_alignment.own import imported

Reward = Callable[[str, str], float]


def vowels(prompt: str, response: str) -> float:
    """The share of vowels among the characters."""
    return sum(c in "aeiouAEIOU" for c in response) / max(len(response), 1)


def short_words(prompt: str, response: str) -> float:
    """The share of words of at most four characters."""
    words = response.split()
    return sum(len(word) <= 4 for word in words) / max(len(words), 1)


def new_words(prompt: str, response: str) -> float:
    """The share of words that did not occur before in the response."""
    words = response.split()
    return len(set(words)) / max(len(words), 1)


REWARDS: dict[str, Reward] = {
    "vowels": vowels,
    "short_words": short_words,
    "new_words": new_words,
}


def grade(rule: Reward, name: str, prompt: str, response: str) -> float:
    """What a rule gives a response.

    Raises: DataError: it gives no finite number.
    """
    given = rule(prompt, response)
    try:
        number = float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"the reward `{name}` gives {given!r} for the response {response[:40]!r}, expected a "
            "finite number"
        )
    return number


def reward_named(name: str) -> Reward:
    """A rule of this module, a folder with a reward model, or the user's own `module:function`.

    Raises: ConfigError: there is no such rule, or the folder holds no reward.
    """
    if Path(name).is_dir():
        from contrast_alignment.reward_scorer import reward_of_folder

        return reward_of_folder(name)
    if ":" in name:
        return imported(name, "data.reward")
    if name not in REWARDS:
        raise ConfigError(
            f"unknown reward `{name}`{did_you_mean(name, REWARDS)}\n"
            f"Rewards: {listing(REWARDS)}, a folder with a reward model, "
            "or your own as `module:function`."
        )
    return REWARDS[name]
