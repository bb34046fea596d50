"""The page: a prompt, two responses, a click, the next two."""

from __future__ import annotations

from html import escape
from importlib.resources import files

import gradio as gr

from contrast.errors import ContrastError
from contrast.reporting.serving import quiet_page
from contrast_preference_studio.asking import NAMELESS, Asking, Drawing, Question, Said
from contrast_preference_studio.cards import problem_card, progress_card, question_card

HELD_OUT, TYPED = "Held-out prompts of the run", "What I type"
TOKENS = 64  # of a response, to begin with
Shown = tuple[Question | None, str, str]


def make_page(asking: Asking) -> gr.Blocks:
    """The page over one run."""
    writer = asking.writer
    with quiet_page(f"{writer.name} · preference studio") as page:
        shown = gr.State(None)
        gr.HTML(f"<h1>Preference studio</h1><p class='quiet'>{_summary(asking)}</p>", padding=False)
        with gr.Row():
            with gr.Column(scale=3, min_width=280):
                source = gr.Radio(
                    [HELD_OUT, TYPED],
                    value=HELD_OUT if writer.prompts else TYPED,
                    label="Prompts",
                    elem_id="source",
                )
            with gr.Column(scale=2, min_width=200):
                who = gr.Textbox(
                    label="Your name", placeholder=f"{NAMELESS}, until you type it", elem_id="who"
                )
        with gr.Row(visible=not writer.prompts, equal_height=True) as typing:
            typed = gr.Textbox(
                "", label="Prompt", lines=2, elem_id="typed", scale=8, placeholder="Then press Ask"
            )
            ask = gr.Button("Ask", elem_id="ask", scale=1, min_width=100)
        card = gr.HTML(
            "", js_on_load=_asset("choose.js"), apply_default_css=False, elem_id="question"
        )
        with gr.Row():
            tie = gr.Button("Both are equally good", elem_id="tie", min_width=140)
            skip = gr.Button("Skip", elem_id="skip", min_width=140)
        told = gr.HTML("", apply_default_css=False, elem_id="progress")
        with gr.Row():
            with gr.Column(min_width=240):
                temperature = gr.Slider(
                    0.1, 2, value=1, step=0.1, label="Temperature", elem_id="temperature"
                )
            with gr.Column(min_width=240):
                tokens = gr.Slider(
                    1,
                    writer.longest,
                    value=min(TOKENS, writer.longest),
                    step=1,
                    label="Tokens at most",
                    elem_id="tokens",
                )
            with gr.Column(min_width=120):
                seed = gr.Number(0, label="Seed", precision=0, minimum=0, elem_id="seed")
        visit = Visit(asking)
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        asked = {
            "fn": visit.ask,
            "inputs": [source, typed, who, temperature, seed, tokens],
            "outputs": [shown, card, told],
            **quick,
        }
        page.load(**asked)
        drawing = (temperature.release, tokens.release, seed.change)
        for event in (source.change, ask.click, who.submit, *drawing):
            event(**asked)
        source.change(lambda chosen: gr.update(visible=chosen == TYPED), source, typing, **quick)
        card.select(visit.clicked, [shown, who], None, **quick).then(**asked)
        tie.click(visit.tied, [shown, who], None, **quick).then(**asked)
        skip.click(visit.skipped, [shown, who], None, **quick).then(**asked)
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return _asset("page.css")


class Visit:
    """What the events of the page ask and say."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    def ask(
        self,
        source: str,
        typed: str | None,
        who: str,
        temperature: float,
        seed: int | None,
        tokens: int,
    ) -> Shown:
        """The next question, or why there is none; and how far it has come."""
        drawing = Drawing(float(temperature), max(int(seed or 0), 0), int(tokens))
        try:
            question = self.asking.next(who, drawing, (typed or "") if source == TYPED else None)
        except ContrastError as error:
            return None, problem_card(str(error)), progress_card(self.asking)
        return question, question_card(question), progress_card(self.asking)

    def clicked(self, shown: Question | None, who: str, event: gr.EventData) -> None:
        """A response was chosen; one that is no longer shown counts for nothing."""
        if shown is not None and int(event.question) == shown.number:
            self._keep(shown, event.side, who)

    def tied(self, shown: Question | None, who: str) -> None:
        """Neither is better."""
        self._keep(shown, "tie", who)

    def skipped(self, shown: Question | None, who: str) -> None:
        """No answer, which is kept as well."""
        self._keep(shown, "skip", who)

    def _keep(self, shown: Question | None, said: Said, who: str) -> None:
        """Write it down; what cannot be written is told, and asked again."""
        if shown is None:
            return
        try:
            self.asking.keep(shown, said, who)
        except ContrastError as error:
            gr.Warning(escape(str(error)))


def _summary(asking: Asking) -> str:
    writer = asking.writer
    size = sum(weight.numel() for weight in writer.model.parameters())
    held = f"{len(writer.prompts):,} held-out prompts"
    return escape(f"{writer.name} · a model of {size:,} parameters · {held}")


def _asset(name: str) -> str:
    return files("contrast_preference_studio").joinpath(name).read_text(encoding="utf-8")
