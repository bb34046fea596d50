"""Reference implementations of contrastive learning on one engine.

    contrast.run("meow", data="acm")      train, evaluate and report; gives the finished run
    contrast.load("runs/meow-acm-seed0")  the trained parts by name, from a run or an export
    contrast.compare("runs/meow-sweep")   runs side by side, with their spread over seeds

Importing `contrast` imports neither torch nor any plugin, and no other library: the primitives and
objectives need torch alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrast.errors import ContrastError

if TYPE_CHECKING:
    from contrast.api import compare, load, resume, run
    from contrast.hookspecs import hookimpl

__version__ = "0.1.0"
__all__ = ["ContrastError", "__version__", "compare", "hookimpl", "load", "resume", "run"]


def __getattr__(name: str) -> Any:
    if name in ("compare", "load", "resume", "run"):
        from contrast import api

        return getattr(api, name)
    if name == "hookimpl":
        from contrast import hookspecs

        return hookspecs.hookimpl
    raise AttributeError(f"module `contrast` has no attribute `{name}`")
