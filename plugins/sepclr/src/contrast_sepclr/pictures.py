"""Pictures of the report: the matrix of what each space knows, and neighbours as images."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np
from torch import Tensor

from contrast_sepclr.data import Factor
from contrast_sepclr.probes import Score

CELL, HEAD, NAME = (150, 34), 26, 170
AREA = 48 * 48  # of one image among neighbours
SMALL = 64  # images of fewer pixels a side keep their pixels as squares


def matrix(rows: Sequence[tuple[Factor, Sequence[Score]]], spaces: Sequence[str]) -> str:
    """A row a factor, a column a space: the darker, the more the space knows of it.

    A frame marks the space where the factor belongs.
    """
    width, height = NAME + CELL[0] * len(spaces), HEAD + CELL[1] * len(rows)
    drawn = [_text(NAME + CELL[0] * (i + 0.5), 17, name) for i, name in enumerate(spaces)]
    for number, (factor, scores) in enumerate(rows):
        top = HEAD + CELL[1] * number
        drawn.append(_text(NAME - 10, top + 21, factor.name, "end"))
        for column, (space, score) in enumerate(zip(spaces, scores, strict=True)):
            left, framed = NAME + CELL[0] * column, space == factor.belongs
            fill = f'fill="var(--series-0, #4477aa)" fill-opacity="{0.75 * score.known:.2f}"'
            edge = 'stroke="currentColor" stroke-width="2"' if framed else 'stroke="none"'
            box = f'x="{left}" y="{top + 1}" width="{CELL[0] - 4}" height="{CELL[1] - 4}"'
            drawn.append(f'<rect {box} rx="3" {fill} {edge}/>')
            drawn.append(_text(left + CELL[0] / 2 - 2, top + 21, score.told))
    return _svg(width, height, drawn)


def neighbours(x: Tensor, rows: Sequence[tuple[int, Sequence[int], Sequence[int]]]) -> str:
    """A row a query: itself, its nearest in the common space, its nearest in the salient space.

    Shapes:  x: (N, C, H, W) uint8 images or (N, 1, D, H, W) volumes, shown by a middle cut.
    """
    shape = float(x.shape[-1] / x.shape[-2]) if x.ndim == 4 else 1.0
    wide, high = round((AREA * shape) ** 0.5), round((AREA / shape) ** 0.5)
    step, gap, count = wide + 4, 18, len(rows[0][1])
    lefts = [0, *(step + gap + step * i for i in range(count))]
    lefts += [step + 2 * gap + step * (count + i) for i in range(count)]
    heads = (
        (0, "query"),
        (lefts[1], "by what is common"),
        (lefts[1 + count], "by what is salient"),
    )
    drawn = [_text(left, 15, head, "start") for left, head in heads]
    for number, (query, common, salient) in enumerate(rows):
        for left, row in zip(lefts, (query, *common, *salient), strict=True):
            place = f'x="{left}" y="{24 + (high + 4) * number}" width="{wide}" height="{high}"'
            drawn.append(f'<image {place} {_sharp(x[row])} href="{data_uri(x[row])}"/>')
    return _svg(lefts[-1] + step, 24 + (high + 4) * len(rows), drawn)


def data_uri(sample: Tensor) -> str:
    """One image, or the middle cut of a volume as seen from above, as a PNG in text."""
    from PIL import Image

    pixels = sample.numpy()
    if pixels.ndim == 4:  # (1, D, H, W) of mean 0 and deviation 1
        cut = pixels[0, :, :, pixels.shape[3] // 2].T[::-1]  # the front at the top
        pixels = np.clip(cut * 50 + 100, 0, 255).astype(np.uint8)[None]
    image = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    held = BytesIO()
    image.save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()


def _sharp(sample: Tensor) -> str:
    return 'style="image-rendering: pixelated"' if sample.shape[-1] < SMALL else ""


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(width: float, height: float, drawn: Sequence[str]) -> str:
    look = 'fill="currentColor" font-size="11" font-family="sans-serif"'
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" style="max-width: {width:g}px"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look}>{"".join(drawn)}</svg>'
