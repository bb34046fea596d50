"""The page: targets to pick from, the sample picked, and its neighbours in both spaces."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from contrast.errors import ContrastError
from contrast.reporting.serving import quiet_page
from contrast_contrastive_analysis.cards import sample_and_shelves, target_tiles
from contrast_contrastive_analysis.cohort import Cohort
from contrast_sepclr.analysis import Sample

ALL, SHOWN = "All targets", 60
AMONG = {"Targets": "targets", "Background": "background", "Both": "all"}
PICK = """element.addEventListener('click', event => {
  const button = event.target.closest('[data-row]');
  if (button) trigger('select', {row: Number(button.dataset.row)});
});"""


def make_page(cohort: Cohort) -> gr.Blocks:
    """The page over one run; it begins with a target of the test."""
    clickable = {"js_on_load": PICK, "apply_default_css": False}
    with quiet_page(f"{cohort.name} · contrastive analysis") as page:
        chosen, shown = gr.State(cohort.first), gr.State(SHOWN)
        gr.HTML(
            f"<h1>Contrastive analysis</h1><p class='quiet'>{_summary(cohort)}</p>", padding=False
        )
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                kind = gr.Dropdown(
                    [ALL, *cohort.kinds], value=ALL, label="Pick a target", elem_id="kind"
                )
                typed = gr.Textbox(label="By id", placeholder="a part of it", elem_id="search")
                targets = gr.HTML("", elem_id="targets", **clickable)
                more = gr.Button("Show more", elem_id="more")
                own = gr.File(
                    label="Or a sample of your own",
                    file_types=cohort.opens,
                    elem_id="own",
                    height=130,
                )
                said = gr.HTML("", elem_id="said", padding=False)
            with gr.Column(scale=8, min_width=280):
                with gr.Row():
                    among = gr.Radio(
                        list(AMONG), value="Targets", label="Neighbours among", elem_id="among"
                    )
                    k = gr.Slider(2, 24, value=6, step=1, label="Neighbours a space", elem_id="k")
                picked = gr.HTML("", elem_id="shelves", **clickable)
        visit = Visit(cohort)
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        drawn = {
            "fn": visit.draw,
            "inputs": [chosen, kind, typed, shown, k, among],
            "outputs": [targets, picked],
            **quick,
        }
        page.load(**drawn)
        for part in (kind, typed):
            part.input(lambda: SHOWN, None, shown, **quick).then(**drawn)
        more.click(lambda count: count + SHOWN, shown, shown, **quick).then(**drawn)
        for part in (k, among):
            part.change(**drawn)
        for part in (targets, picked):
            part.select(visit.pick, None, [chosen, said], **quick).then(**drawn)
        own.upload(visit.read, [own, chosen], [chosen, said], **quick).then(**drawn)
        gr.api(visit.neighbours, api_name="neighbours")
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return files("contrast_contrastive_analysis").joinpath("page.css").read_text(encoding="utf-8")


class Visit:
    """What the events of the page ask of the run."""

    def __init__(self, cohort: Cohort) -> None:
        self.cohort = cohort

    def draw(
        self, chosen: Sample, kind: str, text: str, shown: int, k: int, among: str
    ) -> tuple[str, str]:
        """The targets to pick from, and the sample picked with its neighbours."""
        rows = self.cohort.targets("" if kind == ALL else kind, text)
        return (
            target_tiles(self.cohort, rows, shown, chosen),
            sample_and_shelves(self.cohort, chosen, int(k), AMONG[among]),
        )

    def pick(self, event: gr.EventData) -> tuple[Sample, str]:
        """The sample that was clicked."""
        return self.cohort.analysis.of_row(int(event.row)), ""

    def read(self, path: str | None, chosen: Sample) -> tuple[Sample, str]:
        """A sample of one's own; where it cannot be read, all stays and the reason is said."""
        if path is None:
            return chosen, ""
        try:
            return self.cohort.read(path), ""
        except ContrastError as error:
            return chosen, f"<p class='wrong'>{escape(str(error).replace(path, _name(path)))}</p>"

    def neighbours(
        self, id: str, space: str = "salient", k: int = 5, among: str = "targets"
    ) -> list[dict[str, Any]]:
        """For programs: the nearest samples of the one of this id, by a space."""
        try:
            sample = self.cohort.of_id(id)
            near = self.cohort.analysis.nearest(sample, space, k, among)
        except ContrastError as error:
            raise gr.Error(str(error)) from None
        return [
            {
                "id": self.cohort.ids[each.row],
                "distance": round(each.distance, 4),
                **dict(self.cohort.analysis.known(each.row)),
            }
            for each in near
        ]


def _name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _summary(cohort: Cohort) -> str:
    targets = len(cohort.order)
    parts = f"{targets:,} targets against {len(cohort) - targets:,} of the background"
    return escape(f"{cohort.name} · {cohort.data.name} · {parts}")
