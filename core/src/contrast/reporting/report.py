"""The report of a run: one HTML file that opens offline, in light and dark, wide and narrow."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from contrast.files import write_atomically
from contrast.interfaces import Reference
from contrast.reporting.costs import headline_costs
from contrast.reporting.pages import Section, render, save_figures
from contrast.reporting.records import Record, read_record
from contrast.reporting.sections import SECTIONS

TEMPLATE = "report.html.jinja"
HEADLINES = 4  # metrics that are shown large


def write_report(folder: Path) -> Path:
    """Write `report.html` and the figures as files of their own into a run folder.

    What the folder lacks is left out with a sentence; the page loads nothing from anywhere.

    Raises: RunFolderError: there is no such folder, or a file in it is damaged.
    """
    record = read_record(folder)
    found = [section for make in SECTIONS if (section := make(record)) is not None]
    save_figures(folder / "figures", found)
    path = folder / "report.html"
    write_atomically(path, render_report(record, found))
    return path


def render_report(record: Record, sections: list[Section]) -> str:
    """The page as text; every value of the run is escaped."""
    return render(
        TEMPLATE,
        sections,
        run=record.run,
        name=record.folder.resolve().name,
        paper=paper_link(record.run.get("paper", "")),
        command=_command(record.run.get("command", "")),
        headlines=_headlines(record),
        costs=headline_costs(record),
    )


def paper_link(paper: str) -> tuple[str, str] | None:
    """The words and the address of a paper: an arXiv number, a DOI or a URL; None for nothing.

    The address is empty where none is known: no other scheme becomes a link.
    """
    if not paper:
        return None
    if re.match(r"https?://", paper):
        return paper.split("://")[1], paper
    if arxiv := re.search(r"\b(\d{4}\.\d{4,5})(v\d+)?\b", paper):
        return paper, f"https://arxiv.org/abs/{arxiv[0]}"
    if doi := re.search(r"\b10\.\d{4,9}/\S+", paper):
        return paper, f"https://doi.org/{doi[0]}"
    return paper, ""


def _headlines(record: Record) -> list[tuple[str, float, Reference | None]]:
    """The first metrics of the last evaluation, which stand for what the run is worth."""
    found = [
        (name, value, next((r for r in last.references if r.metric == name), None))
        for last in list(record.evaluations.values())[-1:]
        for name, value in last.metrics.items()
        if value is not None
    ]
    return found[:HEADLINES]


def _command(command: Any) -> str:
    return command if isinstance(command, str) else shlex.join(map(str, command))
