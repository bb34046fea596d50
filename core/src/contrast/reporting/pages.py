"""Pages of one look that open offline: sections of figures and tables, one script, one style.

A page forbids itself every request: its policy allows the script by its own checksum, styles and
images that stand in it, and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from contrast.interfaces import Table
from contrast.reporting.formats import is_number, show
from contrast.reporting.palette import css_variables

HOME = Path(__file__).parent


@dataclass(frozen=True)
class Figure:
    """A drawing as an `<svg>` element; `name` is its file's name, `wide` asks for a whole row.

    `page` is what a page shows in its place, such as a map that answers the pointer.
    """

    name: str
    title: str
    svg: str
    caption: str = ""
    wide: bool = False
    page: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page: figures, tables, then sentences; `folded` tables open on a click."""

    title: str
    text: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False


def render(template: str, sections: list[Section], **facts: Any) -> str:
    """The page as text; every value is escaped."""
    script = (HOME / "page.js").read_text(encoding="utf-8")
    return (
        environment()
        .get_template(template)
        .render(
            sections=sections,
            script=Markup(script),
            style=Markup(css_variables() + (HOME / "page.css").read_text(encoding="utf-8")),
            policy=_policy(script),
            **facts,
        )
    )


def save_figures(folder: Path, sections: list[Section]) -> None:
    """Write every figure as a file of its own, with plain colours that any program knows."""
    figures = [figure for section in sections for figure in section.figures if figure.svg]
    if figures:
        folder.mkdir(exist_ok=True)
    for figure in figures:
        plain = re.sub(r"var\(--[\w-]+, (#\w+)\)", r"\1", figure.svg)
        (folder / f"{figure.name}.svg").write_text(plain, encoding="utf-8")


@cache
def environment() -> Environment:
    """The templates of this folder, with the filters that they use."""
    made = Environment(
        loader=FileSystemLoader(HOME), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"show": show, "svg": Markup, "words": _words, "fact": _fact}
    made.filters["numeric"] = _numeric
    return made


def slug(text: str) -> str:
    """The text as it may stand in a file name and in an id."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in text.lower())


def _numeric(table: Table) -> list[bool]:
    """Which columns hold numbers alone, and so stand to the right."""
    if not table.rows:
        return [False] * len(table.columns)
    return [all(map(is_number, cells)) for cells in zip(*table.rows, strict=True)]


def _policy(script: str) -> str:
    checksum = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{checksum}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _fact(value: Any) -> str:
    """A fact of the run; a moment in UTC loses its seconds."""
    moment = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(\+00:00|Z)", str(value))
    return f"{moment[1]} {moment[2]} UTC" if moment else str(value)


def _words(text: str) -> Markup:
    """Escaped text, with what stands between backticks as code."""
    parts = re.split(r"`([^`]*)`", text)
    code = [Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts)]
    return Markup("").join(code)
