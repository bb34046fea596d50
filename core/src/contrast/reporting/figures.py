"""Figures of one style, drawn by matplotlib as SVG text that follows its page.

Text and axes take the colour of the surrounding page (light or dark), ids carry the figure's name
so that several can stand in one page, and the same input gives the same bytes.
"""

from __future__ import annotations

import io
import json
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

from contrast.reporting.labels import MARKERS, classes_of, is_scale
from contrast.reporting.palette import LIGHT
from contrast.reporting.palette import SERIES_LIGHT as PALETTE

Curve = tuple[Sequence[float], Sequence[float]]

DASHES = ("-", "--", ":")
FAINT = LIGHT["faint"]  # what has no label
MOST_DRAWN = 5000  # points that are drawn one by one; more become an image
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
        _label_steps(axes, x_label)
        if len(series) > 1:
            _legend(figure)
        return _readable(_to_svg(figure, name), axes, list(series))


def overlay(groups: Mapping[str, Sequence[Curve]], *, name: str) -> str:
    """Groups of curves in one panel: every curve faint, and the mean of each group strong.

    A mean goes as far as the shortest curve of its group. A group without a curve keeps its look
    for the other panels; see `look`.
    """
    with _figure(4.0, 2.5) as figure:
        axes = figure.subplots()
        for number, (label, curves_) in enumerate(groups.items()):
            color, dash = look(number)
            several = [tuple(np.asarray(v, float) for v in curve) for curve in curves_]
            for x, y in several if len(several) > 1 else ():
                axes.plot(*_binned(x, y, MOST_KNOTS // 4), color=color, alpha=0.3, linewidth=0.8)
            if several:
                shortest = min(len(x) for x, _ in several)
                mean = np.mean([y[:shortest] for _, y in several], axis=0)
                _draw_curve(axes, several[0][0][:shortest], mean, label, color, dash)
        _label_steps(axes, "step")
        return _readable(_to_svg(figure, name), axes, [k for k, v in groups.items() if v])


def look(number: int) -> tuple[str, str]:
    """The colour and the dashes of the group of that number."""
    return PALETTE[number % len(PALETTE)], DASHES[number // len(PALETTE) % len(DASHES)]


def strips(groups: Mapping[str, Sequence[float]], *, name: str) -> str:
    """A row for each group, a dot for each of its values, and a stroke at their mean."""
    with _figure(4.0, 0.55 + 0.26 * len(groups)) as figure:
        axes = figure.subplots()
        axes.grid(visible=False, axis="y")
        for number, values in enumerate(groups.values()):
            color, rows = look(number)[0], [number] * len(values)
            axes.scatter(values, rows, s=22, color=color, alpha=0.75, linewidths=0)
            if len(values) > 1:
                mean = float(np.mean(values))
                axes.plot([mean, mean], [number - 0.34, number + 0.34], color=color, linewidth=2)
        axes.set_yticks(range(len(groups)), list(groups))
        axes.set_ylim(len(groups) - 0.4, -0.6)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return _to_svg(figure, name)


def embedding_map(points: Any, labels: Any = None, *, name: str) -> str:
    """Points in the plane, coloured by label.

    Few different labels are classes with a legend, many different numbers are a colour scale.

    Shapes:  points: (N, 2);  labels: (N,) numbers or text.
    """
    points = np.asarray(points)
    with _figure(5.4, 5.2) as figure:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal", adjustable="datalim")
        labels = None if labels is None else np.asarray(labels)
        if labels is not None and is_scale(labels):
            known = np.isfinite(labels)
            _scatter(axes, points[~known], c=FAINT, marker="o")
            drawn = _scatter(axes, points[known], c=labels[known], cmap="viridis", marker="o")
            bar = figure.colorbar(drawn, ax=axes, shrink=0.6, aspect=30)
            bar.outline.set_visible(False)
        else:
            _draw_classes(figure, axes, points, labels)
        return _to_svg(figure, name)


def similarities(groups: Mapping[str, Sequence[float]], *, name: str) -> str:
    """Histograms over bins of equal width from -1 to 1, each to its own height, one above another.

    In percent of each group: one whose values all fall into one bin must not flatten the others.
    """
    with _figure(4.0, 0.5 + 0.85 * len(groups)) as figure:
        panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (label, counts), color in zip(
            panels, groups.items(), _repeat(PALETTE), strict=False
        ):
            heights = 100 * np.asarray(counts) / max(sum(counts), 1)
            edges = np.linspace(-1, 1, len(counts) + 1)
            axes.stairs(heights, edges, fill=True, color=color, alpha=0.25)
            axes.stairs(heights, edges, color=color, linewidth=1.4)
            axes.set_title(label, loc="left", fontsize=9, pad=3)
            axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
            axes.set_ylim(bottom=0)
        panels[-1].set_xticks((-1, -0.5, 0, 0.5, 1))
        panels[-1].set_xlabel("similarity")
        figure.supylabel("percent", fontsize=9)
        return _to_svg(figure, name)


def shares(parts: Mapping[str, float], words: Sequence[str] | None = None, *, name: str) -> str:
    """One bar for each part of a whole, with its percentage and, where given, words of its own."""
    total = sum(parts.values())
    told = [_percent(100 * value / total) for value in parts.values()]
    if words is not None:
        told = [f"{share}, {text}" for share, text in zip(told, words, strict=True)]
    with _figure(4.0, 0.3 + 0.3 * len(parts)) as figure:
        axes = figure.subplots()
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks([])
        bars = axes.barh(list(parts), [100 * v / total for v in parts.values()], height=0.62)
        axes.bar_label(bars, told, padding=4)
        axes.invert_yaxis()
        axes.margins(x=0.15 if words is None else 0.4)
        return _to_svg(figure, name)


def _percent(share: float) -> str:
    return f"{share:.0f} %" if share >= 0.5 or share == 0 else "< 1 %"


@contextmanager
def _figure(width: float, height: float) -> Iterator[Figure]:
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height))


def _draw_curve(
    axes: Axes, x: np.ndarray, y: np.ndarray, label: str, color: str, dash: str = "-"
) -> None:
    finite = np.isfinite(y)
    x, y = x[finite], y[finite]
    if len(x) > MOST_KNOTS // 4:
        raw_x, raw_y = _binned(x, y, MOST_KNOTS)
        axes.plot(raw_x, raw_y, color=color, alpha=0.3, linewidth=0.8)
        x, y = _binned(x, y, MOST_KNOTS // 8)
    marker = "o" if len(x) <= 12 else None
    (line,) = axes.plot(x, y, dash, color=color, label=label, marker=marker, markersize=3)
    line.set_gid(f"line-{len([each for each in axes.lines if each.get_gid()])}")


def _label_steps(axes: Axes, label: str) -> None:
    axes.set_xlabel(label)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def _legend(figure: Figure) -> None:
    figure.legend(loc="outside upper left", ncols=4, handlelength=1.2, borderaxespad=0.2)


def _binned(x: np.ndarray, y: np.ndarray, bins: int) -> tuple[list[float], list[float]]:
    pieces = min(bins, len(x))
    return tuple([float(b.mean()) for b in np.array_split(v, pieces)] for v in (x, y))


def _draw_classes(
    figure: Figure, axes: Axes, points: np.ndarray, labels: np.ndarray | None
) -> None:
    """Draw the points by marker, shuffled within each, so that no class lies on the others."""
    names, numbers = classes_of(labels, len(points))
    looks = [(PALETTE[i % len(PALETTE)], MARKERS[i // len(PALETTE)]) for i in range(len(names))]
    looks.append((FAINT, "o"))  # number -1
    for marker in MARKERS:
        rows = np.array([i for i, n in enumerate(numbers) if looks[n][1] == marker], dtype=int)
        rows = rows[np.random.default_rng(0).permutation(len(rows))]
        if len(rows):
            colors = [looks[n][0] for n in numbers[rows]]
            _scatter(axes, points[rows], c=colors, marker=marker)
    for number, label in enumerate(names):
        count = int((numbers == number).sum())
        color, marker = looks[number]
        axes.plot([], [], marker, color=color, label=f"{label} ({count:,})", markersize=5)
    if names:
        if (numbers < 0).any():
            axes.plot([], [], "o", color=FAINT, label="other or none", markersize=5)
        figure.legend(loc="outside lower center", ncols=3, handletextpad=0.2, columnspacing=1.4)


def _scatter(axes: Axes, points: np.ndarray, **look: Any) -> Any:
    size = float(np.clip(9000 / max(len(points), 1), 5, 24))
    drawn = axes.scatter(
        *points.T, s=size, linewidths=0, alpha=0.8, rasterized=len(points) > MOST_DRAWN, **look
    )
    return drawn


def _to_svg(figure: Figure, name: str) -> str:
    """The figure as an `<svg>` element without prologue, its ids prefixed by the name."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(text, format="svg", metadata=nothing, transparent=True, dpi=160)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = svg.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    for number, color in enumerate(PALETTE):
        svg = svg.replace(color, f"var(--series-{number}, {color})")
    svg = svg.replace(FAINT, f"var(--faint, {FAINT})")
    return svg.replace(_INK, "currentColor").replace(_GRID, f"var(--grid, {LIGHT['grid']})")


def _readable(svg: str, axes: Axes, labels: list[str]) -> str:
    """The SVG with what a script needs to read its lines off: the axes in its own coordinates."""
    box, (width, height) = axes.get_position(), 72 * axes.figure.get_size_inches()
    x = [*axes.get_xlim(), box.x0 * width, box.x1 * width]
    y = [*axes.get_ylim(), (1 - box.y0) * height, (1 - box.y1) * height]
    found = {"axes": {"x": np.round(x, 6).tolist(), "y": np.round(y, 6).tolist()}, "lines": labels}
    data = "".join(f' data-{key}="{escape(json.dumps(value))}"' for key, value in found.items())
    return svg.replace("<svg", f"<svg{data}", 1)


def _repeat(colors: Sequence[str]) -> Iterator[str]:
    while True:
        yield from colors
