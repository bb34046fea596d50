"""The report of a run: one HTML file that opens offline, in light and dark, wide and narrow."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from contrast.files import write_atomically
from contrast.reporting.formats import is_number, show
from contrast.reporting.records import Record, read_record
from contrast.reporting.sections import SECTIONS, Section

TEMPLATE = "report.html.jinja"
HEADLINES = 4  # metrics that are shown large


def write_report(folder: Path) -> Path:
    """Write `report.html` and the figures as files of their own into a run folder.

    What the folder lacks is left out with a sentence; the page loads nothing from anywhere.

    Raises: RunFolderError: there is no such folder, or a file in it is damaged.
    """
    record = read_record(folder)
    found = [section for make in SECTIONS if (section := make(record)) is not None]
    _save_figures(folder / "figures", found)
    path = folder / "report.html"
    write_atomically(path, render(record, found))
    return path


def render(record: Record, sections: list[Section]) -> str:
    """The page as text; every value of the run is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"show": show, "svg": Markup, "words": _words, "fact": _fact}
    environment.tests["number"] = is_number
    return environment.get_template(TEMPLATE).render(
        run=record.run,
        name=record.folder.resolve().name,
        paper=paper_link(record.run.get("paper", "")),
        command=_command(record.run.get("command", "")),
        headlines=_headlines(record),
        sections=sections,
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


def _headlines(record: Record) -> list[tuple[str, float]]:
    """The first metrics of the last evaluation, which stand for what the run is worth."""
    last = list(record.evaluations.values())[-1:]
    known = [(name, v) for found in last for name, v in found.metrics.items() if v is not None]
    return known[:HEADLINES]


def _command(command: Any) -> str:
    return command if isinstance(command, str) else shlex.join(map(str, command))


def _fact(value: Any) -> str:
    """A fact of the run; a moment in UTC loses its seconds."""
    moment = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(\+00:00|Z)", str(value))
    return f"{moment[1]} {moment[2]} UTC" if moment else str(value)


def _words(text: str) -> Markup:
    """Escaped text, with what stands between backticks as code."""
    parts = re.split(r"`([^`]*)`", text)
    code = [Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts)]
    return Markup("").join(code)


def _save_figures(folder: Path, sections: list[Section]) -> None:
    figures = [figure for section in sections for figure in section.figures]
    if figures:
        folder.mkdir(exist_ok=True)
    for figure in figures:
        (folder / f"{figure.name}.svg").write_text(figure.svg, encoding="utf-8")
