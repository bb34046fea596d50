"""Numbers of every step and state as grids of shades, with the path of an episode over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contrast_exploration.episode import Episode
from contrast_exploration.journey import Frame, Journey
from contrast_ucb.mdp import Array

CELL = 20  # pixels, before the page stretches them
LEAST = 14  # pixels of a cell that can still be hit
EDGE = 16  # for the numbers of the steps
EVERY = 5  # states whose numbers stand beside the grid
Place = tuple[int, int]


@dataclass(frozen=True)
class Grid:
    """Values (H, S) >= 0 with the end of their scale; `shade` maps a share of it to darkness."""

    title: str
    what: str
    values: Array
    most: float
    shade: Callable[[Array, float], Array] = lambda values, most: values / (most or 1.0)


def grids_of(journey: Journey, frame: Frame) -> list[Grid]:
    """What the agent had seen, what it hoped for, what it believed, and what is true."""
    bonus, believed, best = journey.most
    last = journey.frame(len(journey) - 1)
    seen = Grid(
        "Visits",
        "how often policies led here; shades are logarithmic",
        frame.visits.sum(-1),
        float(last.visits.sum(-1).max()),
        lambda values, most: np.log1p(values) / np.log1p(most or 1.0),
    )
    hoped = Grid("Bonus", "of the action with the largest", frame.plan.bonus.max(-1), bonus)
    true = Grid("True value", "what this policy earns from here on", frame.mean(frame.worth), best)
    upper, lower = frame.mean(frame.plan.upper), frame.mean(frame.plan.lower)
    if not journey.game:
        return [seen, hoped, Grid("Value in the plan", "bonus included", upper, believed), true]
    above = Grid("Upper value", "bonus included", upper, believed)
    below = Grid("Lower value", "bonus taken off", lower, believed)
    return [seen, hoped, above, below, true]


def grid_picture(journey: Journey, grid: Grid, chosen: Place, episode: Episode | None) -> str:
    """An `<svg>`: a row for each step, a cell for each drawn state; every cell can be clicked."""
    columns = {state: column for column, state in enumerate(journey.drawn)}
    shades = grid.shade(grid.values, grid.most).clip(0, 1)
    width = EDGE + CELL * len(columns) + 1
    height = EDGE + CELL * len(grid.values) + 1
    cells = [
        f'<rect data-step="{h}" data-state="{s}" x="{EDGE + CELL * column}" y="{EDGE + CELL * h}" '
        f'width="{CELL}" height="{CELL}" fill-opacity="{shades[h, s]:.3f}">'
        f"<title>step {h}, state {journey.state(s)}: {grid.values[h, s]:.4g}</title></rect>"
        for h in range(len(grid.values))
        for s, column in columns.items()
    ]
    return (
        f'<svg viewBox="0 0 {width} {height}" style="min-width: {least_width(journey)}px; '
        f'max-width: {1.3 * width:.0f}px" role="img" '
        f'aria-label="{grid.title} by step and state">{_numbers(journey, len(grid.values))}'
        f'<g class="cells">{"".join(cells)}</g>'
        f"{_mark(columns, chosen)}{_path(columns, episode)}</svg>"
    )


def least_width(journey: Journey) -> int:
    """The pixels below which a grid is moved sideways and shrinks no more."""
    return EDGE + LEAST * len(journey.drawn)


def _numbers(journey: Journey, steps: int) -> str:
    """Numbers of the steps at the left and of every fifth drawn state above."""
    beside = [(EDGE / 2, EDGE + CELL * (h + 0.5), str(h)) for h in range(steps)]
    above = [
        (EDGE + CELL * (column + 0.5), EDGE / 2, journey.state(state))
        for column, state in enumerate(journey.drawn)
        if column % EVERY == 0 or journey.state(state) == "over"
    ]
    return "".join(f'<text x="{x}" y="{y}">{told}</text>' for x, y, told in (*beside, *above))


def _mark(columns: dict[int, int], chosen: Place) -> str:
    step, state = chosen
    if state not in columns:
        return ""
    x, y = EDGE + CELL * columns[state], EDGE + CELL * step
    return f'<rect class="chosen" x="{x}" y="{y}" width="{CELL}" height="{CELL}"/>'


def _path(columns: dict[int, int], episode: Episode | None) -> str:
    """The way of an episode so far, with a dot where it stands."""
    middles = _middles(columns, episode.path if episode else ())
    if not middles:
        return ""
    points = " ".join(f"{x},{y}" for x, y in middles)
    x, y = middles[-1]
    return (
        f'<polyline class="path" points="{points}"/><circle class="path" cx="{x}" cy="{y}" r="5"/>'
    )


def _middles(columns: dict[int, int], path: Sequence[Place]) -> list[tuple[float, float]]:
    return [
        (EDGE + CELL * (columns[state] + 0.5), EDGE + CELL * (step + 0.5))
        for step, state in path
        if state in columns
    ]
