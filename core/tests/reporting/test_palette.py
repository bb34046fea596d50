import re

import pytest

from contrast.reporting import palette

PAGES = {
    "light": (palette.LIGHT, palette.SERIES_LIGHT),
    "dark": (palette.DARK, palette.SERIES_DARK),
}


def luminance(color):
    channels = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast_ratio(one, other):
    """As the accessibility guidelines (WCAG 2.1) define it, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("page", PAGES)
def test_text_can_be_read_and_curves_be_seen_on_every_ground(page):
    colors, series = PAGES[page]
    for ground in ("paper", "raised"):
        for text in ("ink", "quiet", "accent", "good", "bad"):
            assert contrast_ratio(colors[text], colors[ground]) >= 4.5, (text, ground)
    for color in series:
        assert contrast_ratio(color, colors["paper"]) >= 2.6, color


def test_light_and_dark_name_the_same_colours():
    assert palette.LIGHT.keys() == palette.DARK.keys()
    assert len(palette.SERIES_LIGHT) == len(palette.SERIES_DARK) == len(set(palette.SERIES_LIGHT))
    light, dark = palette.css_variables().split("@media")
    names = [set(re.findall(r"--([\w-]+):", part)) for part in (light, dark)]
    assert names[0] - names[1] == {"sans", "mono"}
    assert names[1] == palette.LIGHT.keys() | {f"series-{i}" for i in range(7)}
