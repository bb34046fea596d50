"""Observers watch a run: a progress bar, a plain log, a third party's dashboard."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any


class Observer:
    """Hears of a run and does nothing; override what is of interest.

    A package offers one under the entry-point group `contrast.observers`: a callable without
    arguments that gives an observer. `contrast run --observer NAME` adds it.
    """

    def on_run(self, folder: str) -> None:
        """The run's folder exists."""

    def on_start(self, stage: str, steps: int) -> None:
        """A stage of this many steps begins, or goes on after a resume."""

    def on_step(self, stage: str, step: int, values: dict[str, float]) -> None:
        """The numbers of a finished step; they come in order, a few steps late."""

    def on_evaluation(self, stage: str, step: int | None, metrics: dict[str, float | None]) -> None:
        """What was found after a step while training, or (None) of the trained stage."""

    def on_message(self, text: str) -> None:
        """A sentence for people: what was dropped, skipped or decided."""

    def on_end(self, stage: str) -> None:
        """A stage's training is over, finished or stopped."""


EVENTS = ("on_run", "on_start", "on_step", "on_evaluation", "on_message", "on_end")


def together(members: Sequence[Observer]) -> Observer:
    """One observer that tells every member all it hears, in their order."""
    both = Observer()
    for event in EVENTS:
        heard = [getattr(member, event) for member in members]
        setattr(both, event, partial(_tell, heard))
    return both


def _tell(heard: Sequence[Callable[..., None]], *what: Any) -> None:
    for method in heard:
        method(*what)


@contextmanager
def telling_warnings(say: Callable[[str], None]) -> Iterator[None]:
    """Pass warnings that parts give to the user (`UserWarning` itself) on as plain sentences."""
    with warnings.catch_warnings():
        show = warnings.showwarning

        def tell(message: Warning | str, category: type[Warning], *where: Any) -> None:
            if category is UserWarning:
                say(str(message))
            else:
                show(message, category, *where)

        warnings.showwarning = tell
        warnings.simplefilter("always", UserWarning)
        yield
