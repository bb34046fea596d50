"""An episode as a moving picture within the report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np

from contrast_ucb.deep.observations import Array

SIDE = 240  # pixels of the longer side, at most
PAUSE_MS = 100


def animation(frames: Sequence[Array], name: str) -> str:
    """An `<svg>` element around an animated GIF.

    Shapes:  frames: (height, width, 3) each, uint8, or numbers in [0, 1].
    """
    from PIL import Image

    images = [Image.fromarray(pixels(frame)) for frame in frames]
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


def pixels(frame: Array) -> Array:
    """A frame as uint8; MinAtar, for one, gives shares of full brightness."""
    return frame if frame.dtype == np.uint8 else (255 * np.clip(frame, 0, 1)).astype(np.uint8)
