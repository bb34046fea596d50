"""Pictures of trajectories as SVG: paths among marks, rewards by place, features read off."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from torch import Tensor

from contrast.reporting.palette import LIGHT, SERIES_LIGHT
from contrast_sirl.trajectories import Scene

SIDE, MARGIN = 150, 16  # pixels of a panel
CELLS = 12  # of a map whose places are no whole numbers, or lie further apart than
WHOLE = 40  # steps of 1
DOTS = 400  # of a panel of features

ACCENT = f"var(--accent, {LIGHT['accent']})"
INK, LINE = f"var(--ink, {LIGHT['ink']})", f"var(--line, {LIGHT['line']})"
QUIET, FAINT = f"var(--quiet, {LIGHT['quiet']})", f"var(--faint, {LIGHT['faint']})"


def series(number: int) -> str:
    """The colour of a series, which follows the page."""
    return f"var(--series-{number}, {SERIES_LIGHT[number]})"


class Stage:
    """The plane in which all trajectories of a scene lie, fitted to a panel."""

    def __init__(self, scene: Scene, mask: Tensor) -> None:
        self.scene, self.mask = scene, mask.numpy()
        self.paths = scene.paths.numpy()
        places = self.paths[self.mask]
        marks = np.array([mark[:2] for mark in scene.marks], dtype=float).reshape(-1, 2)
        every = np.concatenate([places, marks])
        self.low, self.high = every.min(0), every.max(0)
        self.span = max(float((self.high - self.low).max()), 1e-9)

    def place(self, points: np.ndarray) -> np.ndarray:
        """Pixels of points (..., 2) in a panel."""
        middle = (self.low + self.high) / 2
        unit = (points - middle) / self.span * (1, -1)
        return SIDE / 2 + unit * (SIDE - 2 * MARGIN)

    def panel(self, row: int, colour: str = ACCENT) -> str:
        """One trajectory: its path from a ring to an arrow's head, among the marks."""
        points = self.place(self.paths[row][self.mask[row]])
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        start, end = points[0], points[-1]
        parts = [frame(), self.marks()]
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="3" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
            f'<circle cx="{start[0]:.1f}" cy="{start[1]:.1f}" r="4" fill="var(--paper, #ffffff)" '
            f'stroke="{colour}" stroke-width="2"/>'
            f'<circle cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="4.5" fill="{colour}"/>'
        )
        if self.scene.turns is not None:
            parts.append(hand(end, float(self.scene.turns[row])))
        return "".join(parts)

    def marks(self) -> str:
        """The objects, with their names."""
        drawn = []
        for number, (x, y, name) in enumerate(self.scene.marks):
            px, py = self.place(np.array([x, y]))
            drawn.append(
                f'<rect x="{px - 6:.1f}" y="{py - 6:.1f}" width="12" height="12" rx="3" '
                f'fill="{series(1 + number % 6)}" opacity=".75"/>'
                f'<text x="{px:.1f}" y="{py + 16:.1f}" font-size="9" text-anchor="middle" '
                f'fill="{QUIET}">{escape(name)}</text>'
            )
        return "".join(drawn)

    def caption(self, row: int) -> str:
        """What the drawing cannot show."""
        return self.scene.captions[row] if self.scene.captions else ""


def frame() -> str:
    """The border of a panel."""
    return (
        f'<rect x=".5" y=".5" width="{SIDE - 1}" height="{SIDE - 1}" rx="8" fill="none" '
        f'stroke="{LINE}"/>'
    )


def hand(at: np.ndarray, angle: float) -> str:
    """A cup held at an angle, 0 upright."""
    return (
        f'<g transform="translate({at[0]:.1f} {at[1]:.1f}) rotate({-np.rad2deg(angle):.0f})">'
        f'<path d="M-5 -12 L-4 -3 L4 -3 L5 -12" fill="none" stroke="{INK}" stroke-width="2" '
        'stroke-linejoin="round"/></g>'
    )


def svg(inner: str, width: float, height: float, label: str) -> str:
    """An element that a reader's program can name."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" '
        f'style="max-width:100%;height:auto" aria-label="{escape(label)}" '
        f'font-family="sans-serif">{inner}</svg>'
    )


def one(stage: Stage, row: int, colour: str = ACCENT) -> str:
    """One trajectory alone."""
    return svg(stage.panel(row, colour), SIDE, SIDE, f"trajectory {row}")


def rows_of_panels(
    stage: Stage, rows: Sequence[Sequence[int]], heads: Sequence[str], colours: Sequence[str]
) -> str:
    """Trajectories side by side, a line for each of `rows`, the columns under their heads."""
    step_x, step_y, top = SIDE + 12, SIDE + 24, 20
    drawn = [
        f'<text x="{column * step_x + SIDE / 2}" y="13" font-size="11" text-anchor="middle" '
        f'fill="{INK}">{escape(head)}</text>'
        for column, head in enumerate(heads)
    ]
    for line, members in enumerate(rows):
        for column, (row, colour) in enumerate(zip(members, colours, strict=True)):
            x, y = column * step_x, top + line * step_y
            drawn.append(
                f'<g transform="translate({x} {y})">{stage.panel(row, colour)}'
                f'<text x="{SIDE / 2}" y="{SIDE + 13}" font-size="10" text-anchor="middle" '
                f'fill="{QUIET}">{escape(stage.caption(row))}</text></g>'
            )
    width, height = len(heads) * step_x - 12, top + len(rows) * step_y
    return svg("".join(drawn), width, height, ", ".join(heads))


def reward_map(stage: Stage, rewards: np.ndarray) -> str:
    """The mean reward of the trajectories that pass a place; dark is good."""
    values, cell = mean_by_place(stage, rewards)
    found = np.array(list(values.values()))
    low, span = found.min(), max(float(np.ptp(found)), 1e-9)
    size = (SIDE - 2 * MARGIN) * min(cell / stage.span, 1)
    drawn = [frame()]
    for place, value in values.items():
        x, y = stage.place(np.array(place)) - size / 2
        share = 0.06 + 0.94 * (value - low) / span
        drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{size:.1f}" height="{size:.1f}" '
            f'fill="{series(0)}" opacity="{share:.2f}"><title>{value:.2f}</title></rect>'
        )
    return svg("".join(drawn) + stage.marks(), SIDE, SIDE, "mean reward by place")


def mean_by_place(
    stage: Stage, rewards: np.ndarray
) -> tuple[dict[tuple[float, float], float], float]:
    """The mean reward by the centre of a cell, and the side of a cell."""
    places = stage.paths[stage.mask]
    whole = stage.span <= WHOLE and np.allclose(places, places.round())
    cell = 1.0 if whole else stage.span / CELLS
    keys = np.round(places / cell).astype(int)
    values = np.repeat(rewards, stage.mask.sum(1))
    cells, inverse = np.unique(keys, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    means = np.bincount(inverse, values) / np.bincount(inverse)
    return {(x * cell, y * cell): m for (x, y), m in zip(cells, means, strict=True)}, cell


def read_off(truth: np.ndarray, predicted: np.ndarray, names: Sequence[str]) -> str:
    """True features against those read off the embedding, a panel each, with the diagonal."""
    some = slice(None, DOTS)
    drawn = []
    for column, name in enumerate(names):
        dots = "".join(
            f'<circle cx="{MARGIN + (SIDE - 2 * MARGIN) * t:.1f}" '
            f'cy="{SIDE - MARGIN - (SIDE - 2 * MARGIN) * np.clip(p, -0.1, 1.1):.1f}" r="2" '
            f'fill="{series(0)}" opacity=".5"/>'
            for t, p in zip(truth[some, column], predicted[some, column], strict=True)
        )
        diagonal = (
            f'<line x1="{MARGIN}" y1="{SIDE - MARGIN}" x2="{SIDE - MARGIN}" y2="{MARGIN}" '
            f'stroke="{FAINT}"/>'
        )
        drawn.append(
            f'<g transform="translate({column * (SIDE + 12)} 20)">{frame()}{diagonal}{dots}'
            f'<text x="{SIDE / 2}" y="-7" font-size="11" text-anchor="middle" fill="{INK}">'
            f"{escape(name)}</text></g>"
        )
    return svg("".join(drawn), len(names) * (SIDE + 12) - 12, SIDE + 22, "features read off")
