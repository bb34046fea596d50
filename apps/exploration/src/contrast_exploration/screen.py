"""The picture that a gymnasium environment of text draws of one of its states, as HTML."""

from __future__ import annotations

import re
from html import escape

import gymnasium

TEXT = "ansi"
COLOURED, PLAIN = re.compile(r"\x1b\[[1-9][\d;]*m"), "\x1b[0m"


class Screen:
    """An environment that is never stepped: it is put into a state, and drawn."""

    def __init__(self, env: str) -> None:
        modes = gymnasium.make(env).metadata.get("render_modes", ())
        self.opened = gymnasium.make(env, render_mode=TEXT).unwrapped if TEXT in modes else None
        if self.opened is not None:
            self.opened.reset()

    def picture(self, state: int) -> str:
        """The state with the agent's place marked; empty where the environment draws no text."""
        if self.opened is None or state >= len(self.opened.P):
            return ""
        self.opened.s, self.opened.lastaction = state, None
        drawn = escape(str(self.opened.render()).strip("\n"))
        marked = COLOURED.sub("<mark>", drawn).replace(PLAIN, "</mark>")
        return f"<pre class='screen'>{marked}</pre>"
