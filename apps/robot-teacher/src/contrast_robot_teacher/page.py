"""The page: a question, a click, the next question; beside it what the robot has learnt."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from contrast.reporting.serving import quiet_page
from contrast_robot_teacher.cards import Cards
from contrast_sirl.answers import EQUAL, SKIP

ALIKE, BETTER = "Which one is unlike the others?", "Which one is better?"
NAMELESS = "somebody"
CHOOSE = """element.addEventListener('click', event => {
  const card = event.target.closest('[data-row]');
  if (card) trigger('select', {row: Number(card.dataset.row)});
});"""


def make_page(cards: Cards, name: str) -> gr.Blocks:
    """The page over one data set."""
    with quiet_page(f"{name} · robot teacher") as page:
        shown = gr.State([])
        gr.HTML(
            f"<h1>Robot teacher</h1><p class='quiet'>{escape(name)} · "
            f"{len(cards.learner.data):,} behaviours</p>",
            padding=False,
        )
        with gr.Row():
            what = gr.Radio([ALIKE, BETTER], value=ALIKE, label="Teach", elem_id="what", scale=3)
            who = gr.Textbox(label="Your name", placeholder=NAMELESS, elem_id="who", scale=1)
        with gr.Row():
            with gr.Column(scale=8, min_width=300):
                card = gr.HTML("", js_on_load=CHOOSE, apply_default_css=False, elem_id="question")
                with gr.Row():
                    skip = gr.Button("I cannot say", elem_id="skip")
                    equal = gr.Button("Both are alike", elem_id="equal", visible=False)
                told = gr.HTML("", apply_default_css=False, elem_id="progress")
            with gr.Column(scale=4, min_width=260):
                gr.HTML("<h2>The reward it has learnt</h2>", padding=False)
                learnt = gr.HTML("", apply_default_css=False, elem_id="reward")
        asking = Asking(cards)
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        outputs = [shown, card, told, learnt]
        page.load(asking.ask, what, outputs, **quick)
        what.change(asking.ask, what, outputs, **quick)
        what.change(lambda w: gr.update(visible=w == BETTER), what, equal, **quick)
        card.select(asking.clicked, [what, shown, who], outputs, **quick)
        skip.click(asking.skipped, [what, shown, who], outputs, **quick)
        equal.click(asking.equal, [what, shown, who], outputs, **quick)
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return files("contrast_robot_teacher").joinpath("page.css").read_text(encoding="utf-8")


class Asking:
    """What the events of the page ask of the learner."""

    def __init__(self, cards: Cards) -> None:
        self.cards, self.learner = cards, cards.learner

    def ask(self, what: str) -> tuple[list[int], str, str, str]:
        """The next question, how far we are, and the reward."""
        if what == BETTER:
            rows = self.learner.next_pair()
            shown = self.cards.pair(rows)
        else:
            rows = self.learner.next_question()
            shown = self.cards.question(rows)
        return rows, shown, self.cards.progress(), self.cards.reward()

    def clicked(
        self, what: str, shown: list[int], who: str, event: gr.EventData
    ) -> tuple[list[int], str, str, str]:
        """A click on a behaviour; one on a card that is no longer shown counts for nothing."""
        row = int(event.row)
        if row in shown:
            self.keep(what, shown, row, who)
        return self.ask(what)

    def skipped(self, what: str, shown: list[int], who: str) -> tuple[list[int], str, str, str]:
        """No answer, which is kept as well."""
        self.keep(what, shown, SKIP, who)
        return self.ask(what)

    def equal(self, what: str, shown: list[int], who: str) -> tuple[list[int], str, str, str]:
        """Neither of the two is better."""
        self.keep(what, shown, EQUAL, who)
        return self.ask(what)

    def keep(self, what: str, shown: list[int], said: Any, who: str) -> None:
        """Write an answer down, unless what is shown is still of the other kind of question."""
        if len(shown) != (2 if what == BETTER else 3):
            return
        named = who.strip() or NAMELESS
        if what == BETTER:
            self.learner.prefer(shown, said, named)
        else:
            self.learner.answer(shown, None if said == SKIP else said, named)
