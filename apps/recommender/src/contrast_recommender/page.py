"""The page: search, what was taken, what comes next, what is near; every list can be clicked."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from contrast.errors import ContrastError
from contrast.reporting.search import find
from contrast.reporting.serving import quiet_page
from contrast_recommender.cards import found_list, next_and_near, taken_list
from contrast_recommender.shelf import Found, Shelf

ACT = """element.addEventListener('click', event => {
  const button = event.target.closest('[data-act]');
  if (button) trigger('select', {act: button.dataset.act, item: Number(button.dataset.item)});
});"""


def make_page(shelf: Shelf) -> gr.Blocks:
    """The page over one run; it begins with the most popular item taken."""
    clickable = {"js_on_load": ACT, "apply_default_css": False}
    with quiet_page(f"{shelf.name} · recommender") as page:
        taken, looked_at = gr.State([shelf.favourite]), gr.State(shelf.favourite)
        gr.HTML(f"<h1>Recommender</h1><p class='quiet'>{_summary(shelf)}</p>", padding=False)
        with gr.Row():
            with gr.Column(scale=4, min_width=280):
                typed = gr.Textbox(
                    label="Take another", placeholder="title or id", elem_id="search"
                )
                found = gr.HTML("", elem_id="found", **clickable)
                shown = gr.HTML("", elem_id="taken", **clickable)
                clear = gr.Button("Take nothing", elem_id="clear")
                person = gr.Textbox(
                    label="Or take what somebody in the log took",
                    placeholder="id, then Return",
                    elem_id="person",
                )
            with gr.Column(scale=9, min_width=280):
                lists = gr.HTML("", elem_id="lists", **clickable)
                k = gr.Slider(5, 50, value=10, step=1, label="Items a list")
        visit = Visit(shelf)
        held = [taken, looked_at]
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        drawn = {"fn": visit.draw, "inputs": [*held, k], "outputs": [shown, lists], **quick}
        page.load(**drawn)
        typed.input(visit.found, typed, found, **quick)
        typed.submit(visit.best, [typed, *held], [*held, typed, found], **quick).then(**drawn)
        person.submit(visit.person, [person, *held], [*held, person], **quick).then(**drawn)
        for part in (found, shown, lists):
            part.select(visit.act, held, [*held, typed, found], **quick).then(**drawn)
        clear.click(lambda: [], None, taken, **quick).then(**drawn)
        k.change(**drawn)
        gr.api(visit.recommend, api_name="recommend")
        gr.api(visit.similar, api_name="similar")
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return files("contrast_recommender").joinpath("page.css").read_text(encoding="utf-8")


class Visit:
    """What the events of the page ask of the run."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def draw(self, taken: list[int], looked_at: int, k: int) -> tuple[str, str]:
        """What was taken, and the two lists."""
        return taken_list(self.shelf, taken), next_and_near(self.shelf, taken, looked_at, int(k))

    def act(self, taken: list[int], looked_at: int, event: gr.EventData) -> tuple:
        """A click on a row takes an item, takes one back, or only looks at it."""
        return (*changed(taken, event.act, int(event.item)), "", "")

    def found(self, text: str) -> str:
        """The items that fit what was typed so far."""
        return found_list(self.shelf, self._fitting(text), text)

    def best(self, text: str, taken: list[int], looked_at: int) -> tuple:
        """The best fit is taken; where nothing fits, all stays."""
        fitting = self._fitting(text)
        if not fitting:
            return taken, looked_at, text, self.found(text)
        return (*changed(taken, "take", fitting[0]), "", "")

    def person(self, id: str, taken: list[int], looked_at: int) -> tuple:
        """What somebody has taken stands in the place of what was taken here."""
        if not id.strip():
            return taken, looked_at, id
        try:
            history = self.shelf.history(id.strip())
        except ContrastError as error:
            gr.Warning(escape(str(error)))
            return taken, looked_at, id
        return history, history[-1], id

    def recommend(self, history: str, k: int = 10) -> list[dict]:
        """For programs: the next items after a history of ids, `ID,ID,...`, oldest first."""
        given = [word.strip() for word in history.split(",") if word.strip()]
        try:
            numbers = self.shelf.recommender.numbers(given) - 1
        except ContrastError as error:
            raise gr.Error(str(error)) from None
        return [self._named(each) for each in self.shelf.following(numbers.tolist(), k)]

    def similar(self, item: str, k: int = 10) -> list[dict]:
        """For programs: the nearest to the item of this id or title."""
        fitting = self._fitting(item)
        if not fitting:
            raise gr.Error(f"no item fits `{item}`")
        return [self._named(each) for each in self.shelf.near(fitting[0], k)]

    def _fitting(self, text: str) -> list[int]:
        return find(text, self.shelf.titles, self.shelf.ids)

    def _named(self, found: Found) -> dict[str, Any]:
        id, title = self.shelf.ids[found.item], self.shelf.titles[found.item]
        return {"id": id, "title": title, "score": round(found.score, 4)}


def changed(taken: list[int], act: str, item: int) -> tuple[list[int], int]:
    """What is taken after an act, and what is then looked at: the item that was clicked.

    An item that is taken again becomes the latest.
    """
    others = [each for each in taken if each != item]
    return {"take": [*others, item], "drop": others}.get(act, taken), item


def _summary(shelf: Shelf) -> str:
    return escape(f"{shelf.name} · {len(shelf):,} items · learned from {shelf.people:,} people")
