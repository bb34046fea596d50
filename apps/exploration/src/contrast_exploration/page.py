"""The page: a slider over the plans, grids of what each knew and hoped, and an episode to play."""

from __future__ import annotations

from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr

from contrast.reporting.serving import quiet_page
from contrast_exploration.cards import cell_card, episode_card, grid_cards, plan_card
from contrast_exploration.episode import Episode, play
from contrast_exploration.journey import Journey

LAST, THIS = "The last plan", "The plan above"
CLICKED = """element.addEventListener('click', event => {
  const cell = event.target.closest('[data-state]'), curve = event.target.closest('.curve');
  if (cell) trigger('select', {step: +cell.dataset.step, state: +cell.dataset.state});
  if (!curve) return;
  const box = curve.getBoundingClientRect();
  trigger('select', {share: (event.clientX - box.left) / box.width});
});"""


def make_page(journey: Journey) -> gr.Blocks:
    """The page over one run; it begins with the last plan."""
    last = len(journey)
    clickable = {"js_on_load": CLICKED, "apply_default_css": False}
    with quiet_page(f"{journey.name} · exploration") as page:
        chosen, episode = gr.State((0, int(journey.process.start.argmax()))), gr.State(None)
        gr.HTML(f"<h1>Exploration</h1><p class='quiet'>{_summary(journey)}</p>", padding=False)
        with gr.Row():
            number = gr.Slider(
                1,
                max(last, 2),
                value=last,
                step=1,
                label="Plan",
                elem_id="number",
                scale=8,
                min_width=280,
            )
            back = gr.Button("‹ Earlier", elem_id="back", min_width=100, scale=1)
            on = gr.Button("Later ›", elem_id="on", min_width=100, scale=1)
        plan = gr.HTML("", elem_id="plan", **clickable)
        grids = gr.HTML("", elem_id="grids", **clickable)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                cell = gr.HTML("", apply_default_css=False, elem_id="cell")
            with gr.Column(scale=1, min_width=280):
                gr.HTML("<h2>An episode</h2>", padding=False)
                with gr.Row():
                    who = gr.Radio([LAST, THIS], value=LAST, label="Who plays", elem_id="who")
                    seed = gr.Number(0, label="Seed", precision=0, minimum=0, elem_id="seed")
                with gr.Row():
                    begin = gr.Button("Begin", elem_id="begin", min_width=80)
                    step = gr.Button("One step", elem_id="step", min_width=80)
                    end = gr.Button("To the end", elem_id="end", min_width=80)
                played = gr.HTML("", apply_default_css=False, elem_id="episode")
        look = Look(journey)
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        drawn = {
            "fn": look.draw,
            "inputs": [number, chosen, episode],
            "outputs": [plan, grids, cell, played],
            **quick,
        }
        page.load(**drawn)
        number.change(**drawn)
        back.click(lambda at: max(at - 1, 1), number, number, **quick)
        on.click(lambda at: min(at + 1, last), number, number, **quick)
        plan.select(look.gone, None, number, **quick)
        grids.select(look.clicked, None, chosen, **quick).then(**drawn)
        begun = [number, who, seed, episode]
        begin.click(look.begin, begun[:-1], episode, **quick).then(**drawn)
        step.click(look.step, begun, episode, **quick).then(**drawn)
        end.click(look.end, begun, episode, **quick).then(**drawn)
        gr.api(look.plan, api_name="plan")
        gr.api(look.episode, api_name="episode")
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return files("contrast_exploration").joinpath("page.css").read_text(encoding="utf-8")


class Look:
    """What the events of the page ask of the run. Plans are counted from 1, as the slider does."""

    def __init__(self, journey: Journey) -> None:
        self.journey = journey

    def draw(
        self, number: int, chosen: tuple[int, int], episode: Episode | None
    ) -> tuple[str, str, str, str]:
        """The plan, its grids, the chosen cell and the episode."""
        journey, place = self.journey, self._place(number)
        return (
            plan_card(journey, place),
            grid_cards(journey, place, chosen, episode),
            cell_card(journey, place, chosen),
            episode_card(journey, episode),
        )

    def gone(self, event: gr.EventData) -> int:
        """The number of the plan in force where the curve was clicked."""
        return self.journey.nearest(int(event.share * len(self.journey.regret))) + 1

    def clicked(self, event: gr.EventData) -> tuple[int, int]:
        """The step and state of the cell that was clicked."""
        return int(event.step), int(event.state)

    def begin(self, number: int, who: str, seed: int | None) -> Episode:
        """A new episode, of which nothing is shown yet."""
        place = self._place(number) if who == THIS else len(self.journey) - 1
        frame = self.journey.frame(place)
        named = f"The plan of iteration {frame.step}"
        return play(named, self.journey.process, frame.plan.policy, max(int(seed or 0), 0))

    def step(self, number: int, who: str, seed: int | None, episode: Episode | None) -> Episode:
        """One move more; the first of a new episode where none is being played."""
        return (episode or self.begin(number, who, seed)).further(1)

    def end(self, number: int, who: str, seed: int | None, episode: Episode | None) -> Episode:
        """All moves that are left."""
        begun = episode or self.begin(number, who, seed)
        return begun.further(len(begun.moves))

    def plan(self, iteration: int) -> dict[str, Any]:
        """For programs: the plan in force at an iteration, by step, state and action."""
        frame = self.journey.frame(self.journey.nearest(iteration))
        of = {"visits": frame.visits, "policy": frame.plan.policy, "bonus": frame.plan.bonus}
        of |= {"upper": frame.plan.upper, "lower": frame.plan.lower, "true": frame.worth}
        return {"iteration": frame.step, **{name: value.tolist() for name, value in of.items()}}

    def episode(self, seed: int = 0) -> list[dict[str, Any]]:
        """For programs: the moves of an episode of the last plan."""
        return [vars(move) for move in self.begin(len(self.journey), LAST, seed).moves]

    def _place(self, number: int) -> int:
        return min(int(number), len(self.journey)) - 1


def _summary(journey: Journey) -> str:
    process, kept, made = journey.process, len(journey), journey.history.made
    shape = f"{process.horizon} steps, {process.states} states, {process.actions} "
    shape += "pairs of actions" if journey.game else "actions"
    plans = f"{kept} plans" if kept == made else f"{kept} of {made:,} plans, evenly spread"
    return escape(f"{journey.name} · {shape} · {len(journey.regret):,} iterations · {plans}")
