"""Where output goes: data to standard output, words to standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from contrast.errors import ContrastError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

UNLIMITED = 10_000  # columns: a pipe or a file has no edge to wrap at


def leads() -> bool:
    """Whether this process speaks: of those that `torchrun` starts, only the first."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """A line for people, on standard error, as plain text."""
    sys.stderr.write(f"{text}\n")


def run_alone(command: Callable[..., Any], name: str) -> None:
    """Run a plugin's or an app's command by its own name; a user's mistake has no traceback."""
    try:
        command(prog_name=name)
    except ContrastError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)


def print_json(value: Any) -> None:
    """A value for programs, on standard output."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")


def output() -> Console:
    """The console of standard output; tables are cut only at the edge of a real terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else UNLIMITED, highlight=False)
