"""How a value is shown to people, in the terminal and in the report alike."""

from __future__ import annotations

from typing import Any

DASH = "–"


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
    """Whether a cell stands to the right, under its unit: numbers and the dash of a missing one."""
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def show_duration(seconds: float) -> str:
    """A duration in its natural unit: `0.42 s`, `84 s`, `12 min 5 s`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
