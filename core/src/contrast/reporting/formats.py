"""How a value is shown to people, in the terminal and in the report alike."""

from __future__ import annotations

import math
import re
from typing import Any

DASH = "–"
WITH_SPREAD = re.compile(r"[+-]?[\d.,]+( ± [\d.,]+)?")


def show(value: Any) -> str:
    """A value in few digits: `91.05`, `0.8123`, `14.26`, `12,345`, `1.20e-05`; a dash for None."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    return _show_float(value) if isinstance(value, float) else str(value)


def _show_float(value: float) -> str:
    size = abs(value)
    if size >= 1e7 or 0 < size < 1e-4:
        return f"{value:.2e}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if size >= 10 else f"{value:.3f}" if size >= 1 else f"{value:.4f}"


def is_number(value: Any) -> bool:
    """Whether a cell stands to the right: numbers, `50.9 ± 0.9`, and the dash of a missing one."""
    if isinstance(value, str):
        return bool(WITH_SPREAD.fullmatch(value))
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def show_spread(value: float | None, spread: float | None) -> str | None:
    """A value with its spread in the same digits: `50.9 ± 0.9`; None where there is no value."""
    if value is None or spread is None:
        return None if value is None else show(float(value))
    if spread == 0:
        return f"{show(float(value))} ± 0"
    if abs(value) >= 1e7 or spread < 1e-6:
        return f"{show(float(value))} ± {show(float(spread))}"
    digits = min(max(0, 1 - math.floor(math.log10(spread))), 6)
    return f"{value:.{digits}f} ± {spread:.{digits}f}"


def show_setting(value: Any) -> str:
    """A configured value as it would be written on the command line."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(show_setting, value)) or "[]"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def show_bytes(size: int | None) -> str | None:
    """A size of memory: `512 MiB`, `1.34 GiB`; None stays None."""
    if size is None:
        return None
    return f"{size / 2**20:.0f} MiB" if size < 2**30 else f"{size / 2**30:.2f} GiB"


def show_duration(seconds: float | None) -> str | None:
    """A duration in its natural unit: `42 ms`, `0.42 s`, `84 s`, `12 min 5 s`, `3 h 20 min`."""
    if seconds is None:
        return None
    if seconds < 0.1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
