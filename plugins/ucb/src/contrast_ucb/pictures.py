"""A number for every step and state as a grid of shades."""

from __future__ import annotations

from contrast_ucb.mdp import Array

CELL = 18  # pixels
MOST_STATES = 60  # of a row that can still be looked at


def step_grid(values: Array) -> str:
    """An `<svg>` with a row for each step and a cell for each state, darker where larger.

    Shapes:  values: (H, S) >= 0; of more than 60 states the first are drawn.
    """
    shown = values[:, :MOST_STATES]
    most = shown.max() or 1.0
    height, width = (size * CELL for size in shown.shape)
    cells = [
        f'<rect x="{s * CELL}" y="{h * CELL}" width="{CELL - 1}" height="{CELL - 1}" '
        f'fill="#0072b2" fill-opacity="{value / most:.3f}" stroke="#8888" stroke-width="0.5">'
        f"<title>step {h}, state {s}: {values[h, s]:.3g}</title></rect>"
        for h, row in enumerate(shown)
        for s, value in enumerate(row)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-1 -1 {width + 2} {height + 2}" '
        f'width="{width}" role="img">{"".join(cells)}</svg>'
    )
