"""Errors that a user can act on: printed without a traceback, with the next step in the text."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ContrastError(Exception):
    """A user's mistake, told in one to three lines; the command line exits with `exit_code`."""

    exit_code = 2


class ConfigError(ContrastError):
    """A key, value or choice in the configuration that cannot be used."""


class PluginError(ContrastError):
    """A plugin that is unknown, broken, doubled or made for another core."""


class DataError(ContrastError):
    """A file or table that is missing, foreign, damaged or unsuited to the method."""


class BatchError(ContrastError, ValueError):
    """A batch that is too small for an objective, which then has nothing to tell apart."""


class RunFolderError(ContrastError):
    """A run folder that cannot be written, read or resumed."""


class CheckpointError(RunFolderError):
    """A checkpoint that is missing or damaged."""


class TrainingError(ContrastError):
    """A run that failed while training, such as a loss that is no longer finite."""

    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean `x`?` for the nearest known name, or an empty string when none is near."""
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{found[0]}`?" if found else ""


def listing(names: Iterable[str]) -> str:
    """The names in backticks, separated by commas, for the end of an error message."""
    return ", ".join(f"`{name}`" for name in names) or "none"
