"""Reporting: what a run leaves for people, and the records that programs read.

Importing this package imports neither numpy nor matplotlib; each name is fetched on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast.reporting.pages import Figure, Section
    from contrast.reporting.records import (
        load_evaluations,
        read_metrics,
        save_diagnosis,
        save_evaluation,
    )
    from contrast.reporting.report import write_report
    from contrast.reporting.summary import summarise
    from contrast.reporting.terminal import print_tables

_HOME = {
    "Figure": "pages",
    "Section": "pages",
    "load_evaluations": "records",
    "print_tables": "terminal",
    "read_metrics": "records",
    "save_diagnosis": "records",
    "save_evaluation": "records",
    "summarise": "summary",
    "write_report": "report",
}
__all__ = [
    "Figure",
    "Section",
    "load_evaluations",
    "print_tables",
    "read_metrics",
    "save_diagnosis",
    "save_evaluation",
    "summarise",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `contrast.reporting` has no attribute `{name}`")
    return getattr(importlib.import_module(f"contrast.reporting.{_HOME[name]}"), name)
