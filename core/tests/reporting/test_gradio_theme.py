import pytest

pytest.importorskip("gradio", reason="an app's dependency, not the core's")

from contrast.reporting.gradio_theme import COLOURS, style, theme
from contrast.reporting.palette import DARK, LIGHT


def test_the_theme_takes_its_colours_from_the_palette_in_light_and_dark():
    made = theme()
    assert made.body_text_color == made.body_text_color_dark == "var(--ink)"
    assert set(COLOURS) <= set(LIGHT)


def test_no_font_or_style_sheet_is_fetched():
    made = theme()
    assert made._stylesheets == []
    assert "url(" not in style() + "".join(made._font_css)


def test_the_style_sheet_declares_both_palettes():
    light, dark = style().split(".dark", 1)
    assert LIGHT["paper"] in light
    assert DARK["paper"] in dark
