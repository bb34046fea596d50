"""Progress of a run: a bar on a terminal, else a plain line every two seconds at most."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import typer

from contrast.cli.console import leads, say
from contrast.engine.observers import Observer, together
from contrast.errors import PluginError, did_you_mean, listing

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

GROUP = "contrast.observers"
PAUSE_S = 2.0
SHOWN = 4  # numbers beside the bar


@contextmanager
def watching(names: Sequence[str] = ()) -> Iterator[Observer]:
    """The observer of a command's run: progress, and the installed observers of those names.

    A run that an impatient second Ctrl-C ends at once still says how to go on.
    """
    progress = Progress()
    try:
        shown = [progress] if leads() else []
        yield together([*shown, *map(installed_observer, names)])
    except KeyboardInterrupt:
        progress.close()
        if progress.folder:
            say(f"stopped; go on with `contrast resume {progress.folder}`")
        raise typer.Exit(130) from None
    finally:
        progress.close()


def installed_observer(name: str) -> Observer:
    """A new observer that a package offers under the entry-point group `contrast.observers`.

    Raises: PluginError: there is none of that name, or it cannot be imported.
    """
    from contrast.plugins import import_point

    points = {point.name: point for point in entry_points(group=GROUP)}
    if name not in points:
        raise PluginError(
            f"unknown observer `{name}`{did_you_mean(name, points)}\nInstalled: {listing(points)}."
        )
    return import_point(points[name], f"the observer `{name}`")()


class Progress(Observer):
    """Shows a run to people, on standard error."""

    def __init__(self) -> None:
        self.folder = ""
        self.steps = 0
        self.bar: Bar | None = None
        self.task = None
        self.said_at = float("-inf")

    def on_run(self, folder: str) -> None:
        """Remember the folder, and name it."""
        self.folder = folder
        self.on_message(f"run: {folder}")

    def on_start(self, stage: str, steps: int) -> None:
        """Begin the bar of a stage, or the plain lines."""
        self.steps, self.said_at = steps, float("-inf")
        if sys.stderr.isatty():
            self.bar = _bar()
            self.task = self.bar.add_task(stage, total=steps, values="")
            self.bar.start()

    def on_step(self, stage: str, step: int, values: dict[str, float]) -> None:
        """Move the bar; plain lines come at most every two seconds, and at the last step."""
        shown = "  ".join(f"{name} {value:.4g}" for name, value in list(values.items())[:SHOWN])
        if self.bar is not None:
            self.bar.update(self.task, completed=step + 1, values=shown)
        elif time.monotonic() - self.said_at >= PAUSE_S or step + 1 == self.steps:
            self.said_at = time.monotonic()
            say(f"{stage}  step {step + 1}/{self.steps}  {shown}")

    def on_message(self, text: str) -> None:
        """A line above the bar."""
        if self.bar is not None:
            self.bar.console.print(text, markup=False, highlight=False)
        else:
            say(text)

    def on_end(self, stage: str) -> None:
        """The end of a stage's bar."""
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.bar is not None:
            self.bar.stop()
        self.bar = None


def _bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[values]}", style="dim"),
        console=Console(stderr=True),
    )
