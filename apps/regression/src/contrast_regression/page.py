"""The page: a table in, a target chosen, a comparison that grows, predictions out."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import gradio as gr
from jinja2 import Environment, PackageLoader

from contrast.errors import ContrastError
from contrast.reporting.serving import quiet_page
from contrast_regression.session import (
    Progress,
    Question,
    columns_of,
    compared,
    predicted,
    trained,
)

NO_GROUP = "(none)"
TABLES = [".csv", ".tsv", ".parquet", ".jsonl"]
ABOUT = (
    "<h1>Regression</h1><p class='quiet'>Drop a table, choose the number to be predicted. Every "
    "method is trained on the same splits; nothing leaves this machine.</p>"
)


def make_page(runs: Path, epochs: int = 50) -> gr.Blocks:
    """The page; its models become runs in that folder."""
    show = Show(runs)
    with quiet_page("Regression") as page:
        run = gr.State("")
        gr.HTML(ABOUT, padding=False)
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                table = gr.File(label="Table", file_types=TABLES, elem_id="table")
                target = gr.Dropdown([], label="To be predicted", elem_id="target")
                group = gr.Dropdown([NO_GROUP], value=NO_GROUP, label="Rows that belong together")
                log = gr.Checkbox(label="Learn the logarithm of the target")
                length = gr.Slider(5, 200, value=epochs, step=5, label="Epochs of each stage")
                start = gr.Button("Compare and train", variant="primary", elem_id="start")
            with gr.Column(scale=7, min_width=280):
                found = gr.HTML("", elem_id="found", padding=False)
                new = gr.File(label="New rows", file_types=TABLES, elem_id="new", visible=False)
                said = gr.HTML("", elem_id="said", padding=False)
                out = gr.File(label="Predictions with intervals", elem_id="out", visible=False)
        quiet = {"api_visibility": "private"}
        table.change(show.columns, table, [target, group, found], **quiet)
        start.click(
            show.compare, [table, target, group, log, length], [found, run, new, out], **quiet
        )
        new.change(show.predict, [run, new], [out, said], **quiet)
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return files("contrast_regression").joinpath("page.css").read_text(encoding="utf-8")


class Show:
    """What the events of the page ask for; mistakes are shown where the answer would be."""

    def __init__(self, runs: Path) -> None:
        self.runs = runs

    def columns(self, path: str | None) -> tuple[Any, Any, str]:
        """The columns of a table that was dropped."""
        nothing = gr.update(choices=[], value=None), gr.update(choices=[NO_GROUP], value=NO_GROUP)
        if path is None:
            return *nothing, ""
        try:
            numeric, everything = columns_of(path)
        except ContrastError as error:
            return *nothing, wrong(error)
        return (
            gr.update(choices=numeric, value=numeric[0]),
            gr.update(choices=[NO_GROUP, *everything], value=NO_GROUP),
            "",
        )

    def compare(
        self, path: str | None, target: str | None, group: str, log: bool, epochs: int
    ) -> Iterator[tuple[Any, Any, Any, Any]]:
        """The comparison as it grows; at its end, a model."""
        hidden = gr.update(visible=False), gr.update(visible=False)
        if not path or not target:
            yield wrong("Drop a table and choose what is to be predicted."), "", *hidden
            return
        own = "" if group == NO_GROUP else group
        question = Question(path, target, own, bool(log), int(epochs))
        yield "<p class='quiet'>Reading …</p>", "", *hidden
        try:
            for progress in compared(question):
                if not progress.done:
                    yield comparison(progress), "", *hidden
            run = trained(question, self.runs)
        except ContrastError as error:
            yield wrong(error), "", *hidden
            return
        report = f"The model and its report: {self.runs / run.name}"
        yield comparison(progress, report), str(run), gr.update(visible=True), hidden[1]

    def predict(self, run: str, path: str | None) -> tuple[Any, str]:
        """Predictions of new rows as a file."""
        if not run or not path:
            return gr.update(visible=False), ""
        try:
            out, notes = predicted(Path(run), path, Path(mkdtemp()))
        except ContrastError as error:
            return gr.update(visible=False), wrong(error)
        return gr.update(value=str(out), visible=True), f"<p>{escape(notes)}</p>"


def comparison(progress: Progress, report: str = "") -> str:
    """The table of the methods so far, above it what is to be said."""
    pages = Environment(loader=PackageLoader("contrast_regression", "."), autoescape=True)
    widest = max((line.mean for line in progress.lines), default=1.0) or 1.0
    said = [note.replace("`", "") for note in (*progress.notes, report) if note]
    page = pages.get_template("comparison.html.jinja")
    return page.render(progress=progress, widest=widest, said=said)


def wrong(error: object) -> str:
    """A mistake, in the words that the command line has for it."""
    return f"<p class='wrong'>{escape(str(error))}</p>"
