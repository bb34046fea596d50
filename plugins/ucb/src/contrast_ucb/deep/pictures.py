"""An episode as a moving picture within the report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

from contrast_ucb.deep.observations import Array

SIDE = 240  # pixels of the longer side, at most
PAUSE_MS = 100


def animation(frames: Sequence[Array], name: str) -> str:
    """An `<svg>` element around an animated GIF.

    Shapes:  frames: (height, width, 3) uint8 each.
    """
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    for image in images:
        image.thumbnail((SIDE, SIDE))
    held = BytesIO()
    images[0].save(held, "GIF", save_all=True, append_images=images[1:], duration=PAUSE_MS, loop=0)
    width, height = images[0].size
    text = base64.b64encode(held.getvalue()).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'role="img"><title>{escape(name)}</title><image width="{width}" height="{height}" '
        f'href="data:image/gif;base64,{text}"/></svg>'
    )
