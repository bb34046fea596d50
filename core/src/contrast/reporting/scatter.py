"""The map of an embedding for a page: small data that the page's script draws on a canvas.

A point is five bytes and its id, so that several thousand stay smooth and the file small.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup

from contrast.reporting.labels import MOST_CLASSES, classes_of, is_scale
from contrast.reporting.pages import environment
from contrast.reporting.palette import SERIES_LIGHT

MOST_POINTS = 20_000  # of more, so many are drawn at random
NONE = 255  # the look of a point without a label
LEVELS = 64  # colours of a scale
SIDE = 65_535  # coordinates are 16-bit numbers
SIGNS = "●▲■◆"  # in the order of the script's shapes


def interactive_map(points: np.ndarray, labels: Any, ids: Any, *, title: str) -> Markup:
    """Points in the plane as an element that tells a point's id and label on hovering.

    Few different labels are classes with a legend, many different numbers are a colour scale.

    Shapes:  points: (N, 2);  labels, ids: (N,) numbers or text, or None.
    """
    order = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
    labels = None if labels is None else np.asarray(labels)[order]
    ids = None if ids is None else np.asarray(ids)[order].tolist()
    data = {**_placed(points[order]), **({"ids": ids} if ids else {"rows": order.tolist()})}
    facts = {"title": title, "ids": ids is not None}
    if labels is not None and is_scale(labels):
        looks, more, ends = _levels(labels)
        facts |= {"levels": more["levels"], **ends}
    else:
        names, numbers = classes_of(labels, len(order))
        looks, more = np.where(numbers < 0, NONE, numbers), {"names": names}
        facts["legend"] = _legend(names, numbers)
    data |= {"look": _packed(looks.astype(np.uint8)), **more}
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    template = environment().get_template("map.html.jinja")
    return Markup(template.render(data=Markup(text), **facts))


def _placed(points: np.ndarray) -> dict[str, Any]:
    """Coordinates in a square of `SIDE`, both axes alike, and the extent of the points in it."""
    low, high = points.min(0), points.max(0)
    span = (high - low).max() or 1.0
    placed = (points - (low + high) / 2) / span * SIDE + SIDE / 2
    width, height = np.maximum((high - low) / span * SIDE, 1.0).tolist()
    return {"xy": _packed(placed.round().astype("<u2")), "width": width, "height": height}


def _levels(labels: np.ndarray) -> tuple[np.ndarray, dict[str, Any], dict[str, float]]:
    """The look of every amount, the colours with the amounts, and the ends of the scale.

    An unknown amount has the look `NONE` and no value.
    """
    known = np.isfinite(labels)
    low, high = labels[known].min().item(), labels[known].max().item()
    looks = ((np.where(known, labels, low) - low) / (high - low) * (LEVELS - 1)).round()
    colors = mpl.colormaps["viridis"](np.linspace(0, 1, LEVELS))
    values = np.where(known, labels.astype(object), None).tolist()
    more = {"levels": [mpl.colors.to_hex(c) for c in colors], "values": values}
    return np.where(known, looks, NONE), more, {"low": low, "high": high}


def _legend(names: list[str], numbers: np.ndarray) -> list[tuple[int, str, str, str, int]]:
    series = len(SERIES_LIGHT)
    rows = [
        (i, f"series-{i % series}", SIGNS[i // series], name, int((numbers == i).sum()))
        for i, name in enumerate(names[:MOST_CLASSES])
    ]
    without = int((numbers < 0).sum())
    if names and without:
        rows.append((NONE, "faint", SIGNS[0], "other or none", without))
    return rows


def _packed(values: np.ndarray) -> str:
    return b64encode(values.tobytes()).decode()
