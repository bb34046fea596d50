"""Figures of one style, drawn by matplotlib as SVG text that follows its page.

Text and axes take the colour of the surrounding page (light or dark), ids carry the figure's name
so that several can stand in one page, and the same input gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

Curve = tuple[Sequence[float], Sequence[float]]

# Okabe and Ito's colours, which colour-blind people can tell apart, made fit for light and dark.
PALETTE = ("#1f7fc4", "#e0671b", "#12a07a", "#c9699f", "#e3a211", "#56b4e9", "#8c7bd8")
MARKERS = ("o", "^", "s", "D")
FAINT = "#9aa3ad"  # what has no label
MOST_CLASSES = len(PALETTE) * len(MARKERS)
MOST_DRAWN = 5000  # points that are drawn one by one, with a title each; more become an image
MOST_KNOTS = 400  # points of a curve

_INK, _GRID = "#010203", "#040506"  # stand-ins, replaced by colours of the page
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "contrast",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GRID,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.xmargin": 0.02,
    "axes.prop_cycle": mpl.cycler(color=PALETTE),
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def curves(series: Mapping[str, Curve], *, name: str, x_label: str = "step") -> str:
    """Lines over the steps, with a legend where there are several; long ones are thinned.

    A line of many points is drawn twice: faint as it is, and strong as the mean of its bins.
    """
    with _figure(4.0, 2.5) as figure:
        axes = figure.subplots()
        for (label, (x, y)), color in zip(series.items(), _repeat(PALETTE), strict=False):
            _draw_curve(axes, np.asarray(x, float), np.asarray(y, float), label, color)
        axes.set_xlabel(x_label)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_locator(
            MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
        )
        if len(series) > 1:
            figure.legend(loc="outside upper left", ncols=4, handlelength=1.2, borderaxespad=0.2)
        return _to_svg(figure, name)


def embedding_map(points: Any, labels: Any = None, ids: Any = None, *, name: str) -> str:
    """Points in the plane, coloured by label, each with its id as a title where there are ids.

    Few different labels are classes with a legend, many different numbers are a colour scale.

    Shapes:  points: (N, 2);  labels, ids: (N,) numbers or text.
    """
    points = np.asarray(points)
    with _figure(5.4, 5.2) as figure:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal", adjustable="datalim")
        labels = None if labels is None else np.asarray(labels)
        if labels is not None and is_scale(labels):
            drawn = _scatter(axes, points, c=labels, cmap="viridis", marker="o")
            bar = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=30)
            bar.outline.set_visible(False)
            order = np.arange(len(points))
        else:
            order = _draw_classes(figure, axes, points, labels)
        svg = _to_svg(figure, name)
    return svg if ids is None else _add_titles(svg, [str(ids[i]) for i in order])


def similarities(groups: Mapping[str, Sequence[int]], *, name: str) -> str:
    """Histograms over bins of equal width from -1 to 1, in percent of each group; with a legend."""
    with _figure(4.0, 2.5) as figure:
        axes = figure.subplots()
        for (label, counts), color in zip(groups.items(), _repeat(PALETTE), strict=False):
            heights = 100 * np.asarray(counts) / max(sum(counts), 1)
            edges = np.linspace(-1, 1, len(counts) + 1)
            axes.stairs(heights, edges, fill=True, color=color, alpha=0.25)
            axes.stairs(heights, edges, color=color, linewidth=1.4, label=label)
        axes.set_xticks((-1, -0.5, 0, 0.5, 1))
        axes.set_xlabel("similarity")
        axes.set_ylabel("percent")
        figure.legend(loc="outside upper left", ncols=4, handlelength=1.2, borderaxespad=0.2)
        return _to_svg(figure, name)


def shares(parts: Mapping[str, float], *, name: str) -> str:
    """One bar for each part of a whole, with its percentage."""
    total = sum(parts.values())
    with _figure(4.0, 0.3 + 0.3 * len(parts)) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        bars = axes.barh(list(parts), [100 * v / total for v in parts.values()], height=0.62)
        axes.bar_label(bars, fmt="%.0f %%", padding=4)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        return _to_svg(figure, name)


def is_scale(labels: np.ndarray) -> bool:
    """Whether labels are amounts rather than classes: numbers with many different values."""
    return labels.dtype.kind in "iuf" and len(np.unique(labels)) > MOST_CLASSES


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height))


def _draw_curve(axes: Axes, x: np.ndarray, y: np.ndarray, label: str, color: str) -> None:
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) > MOST_KNOTS // 4:
        raw_x, raw_y = _binned(x, y, MOST_KNOTS)
        axes.plot(raw_x, raw_y, color=color, alpha=0.3, linewidth=0.8)
        x, y = _binned(x, y, MOST_KNOTS // 8)
    marker = "o" if len(x) <= 12 else None
    axes.plot(x, y, color=color, label=label, marker=marker, markersize=3)


def _binned(x: np.ndarray, y: np.ndarray, bins: int) -> tuple[list[float], list[float]]:
    pieces = min(bins, len(x))
    return tuple([float(b.mean()) for b in np.array_split(v, pieces)] for v in (x, y))


def _draw_classes(
    figure: Figure, axes: Axes, points: np.ndarray, labels: np.ndarray | None
) -> np.ndarray:
    """Draw the points class by class and return the order in which they were drawn.

    Within a marker the points are shuffled, so that no class lies on top of the others.
    """
    names, numbers = _classes(labels, len(points))
    looks = [(PALETTE[i % len(PALETTE)], MARKERS[i // len(PALETTE)]) for i in range(len(names))]
    looks.append((FAINT, "o"))  # number -1
    order = []
    for marker in MARKERS:
        rows = np.array([i for i, n in enumerate(numbers) if looks[n][1] == marker], dtype=int)
        rows = rows[np.random.default_rng(0).permutation(len(rows))]
        if len(rows):
            colors = [looks[n][0] for n in numbers[rows]]
            _scatter(axes, points[rows], c=colors, marker=marker)
            order.append(rows)
    for number, label in enumerate(names):
        count = int((numbers == number).sum())
        color, marker = looks[number]
        axes.plot([], [], marker, color=color, label=f"{label} ({count:,})", markersize=5)
    if names:
        if (numbers < 0).any():
            axes.plot([], [], "o", color=FAINT, label="other or none", markersize=5)
        figure.legend(loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.4)
    return np.concatenate(order)


def _classes(labels: np.ndarray | None, count: int) -> tuple[list[str], np.ndarray]:
    """The names of the classes that get a look of their own, and each point's, else -1.

    Negative numbers and `unlabelled` mean no label; beyond the looks that can be told apart, the
    largest classes win.
    """
    if labels is None:
        return [], np.full(count, -1)
    values, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    none = values < 0 if values.dtype.kind in "if" else np.isin(values.astype(str), ["unlabelled"])
    largest = np.argsort(np.where(none, -1, sizes), kind="stable")[::-1][:MOST_CLASSES]
    shown = sorted(i for i in largest if not none[i])
    number = np.full(len(values), -1)
    number[shown] = np.arange(len(shown))
    return [str(values[i]) for i in shown], number[inverse]


def _scatter(axes: Axes, points: np.ndarray, **look: Any) -> Any:
    size = float(np.clip(9000 / max(len(points), 1), 5, 24))
    drawn = axes.scatter(
        *points.T, s=size, linewidths=0, alpha=0.8, rasterized=len(points) > MOST_DRAWN, **look
    )
    drawn.set_gid("points")
    return drawn


def _add_titles(svg: str, titles: list[str]) -> str:
    """The SVG with a `<title>` in each point, in drawing order, shown on hovering."""
    waiting = iter(titles)

    def fill(group: re.Match[str]) -> str:
        return re.sub(
            r"<use ([^>]*)/>",
            lambda use: f"<use {use[1]}><title>{escape(next(waiting))}</title></use>",
            group[0],
        )

    return re.sub(r'<g id="[\w-]*points">.*?</g>\s*(?=<g id|</g>)', fill, svg, flags=re.S)


def _to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element without prologue, its ids prefixed by the name."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True, dpi=160)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    return svg.replace(_INK, "currentColor").replace(_GRID, "var(--grid, #d5dbe2)")


def _repeat(colors: Sequence[str]) -> Iterator[str]:
    while True:
        yield from colors
