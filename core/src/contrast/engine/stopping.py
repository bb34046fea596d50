"""Stopping on purpose: a signal ends the run after the step in hand, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from contrast.errors import ContrastError


class Stopped(ContrastError):
    """The run was stopped and can be resumed; `exit_code` tells the signal."""


class StopRequest:
    """Listens for SIGINT and SIGTERM inside a `with` block; a second signal acts at once.

    Only the main thread may listen; elsewhere the block hears nothing.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, self._before[number])
