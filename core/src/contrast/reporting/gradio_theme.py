"""The palette as a Gradio theme, so that every app looks like the reports.

The core does not depend on Gradio: it is imported when an app asks for the theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrast.reporting.palette import MONO, SANS, dark_variables, light_variables

if TYPE_CHECKING:
    from gradio.themes import Base

# Which of Gradio's variables takes which colour of the palette.
COLOURS = {
    "paper": "body_background_fill background_fill_primary block_background_fill "
    "input_background_fill input_background_fill_focus table_even_background_fill "
    "table_odd_background_fill button_primary_text_color checkbox_background_color",
    "raised": "background_fill_secondary panel_background_fill button_secondary_background_fill "
    "block_label_background_fill code_background_fill checkbox_label_background_fill "
    "checkbox_label_background_fill_hover checkbox_label_background_fill_selected",
    "ink": "body_text_color block_title_text_color button_secondary_text_color "
    "checkbox_label_text_color checkbox_label_text_color_selected table_text_color",
    "quiet": "body_text_color_subdued block_label_text_color block_info_text_color "
    "input_placeholder_color",
    "line": "border_color_primary block_border_color input_border_color panel_border_color "
    "table_border_color button_secondary_border_color checkbox_border_color "
    "checkbox_label_border_color button_secondary_background_fill_hover",
    "accent": "border_color_accent link_text_color link_text_color_hover "
    "link_text_color_active link_text_color_visited button_primary_background_fill "
    "button_primary_background_fill_hover input_border_color_focus loader_color slider_color "
    "checkbox_background_color_selected checkbox_border_color_selected "
    "checkbox_border_color_focus checkbox_label_border_color_selected",
    "bad": "error_text_color error_icon_color error_border_color",
}
SHAPES = {
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_radius": "10px",
    "block_shadow": "none",
    "checkbox_label_border_width": "1px",
    "color_accent": "var(--accent)",
    "input_border_width": "1px",
    "input_radius": "8px",
    "input_shadow": "none",
    "layout_gap": "20px",
    "shadow_drop": "none",
}
STYLE = """
:root { color-scheme: light; LIGHT }
.dark { color-scheme: dark; DARK }
.gradio-container { max-width: min(84rem, 100%) !important; margin: 0 auto !important;
  padding: clamp(1rem, 3vw, 2.25rem) !important; font: 15px/1.5 var(--sans); }
.gradio-container h1 { margin: 0; font-size: clamp(1.5rem, 4vw, 2rem); font-weight: 700;
  line-height: 1.15; letter-spacing: -.02em; color: var(--ink); }
.gradio-container h2 { margin: 0; font-size: 1.15rem; letter-spacing: -.01em; color: var(--ink); }
.gradio-container :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.quiet { color: var(--quiet); }
.gradio-container main { max-width: none !important; padding: 0 !important; }
footer { display: none !important; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
"""


def theme() -> Base:
    """Colours, fonts and spacing of all apps; fonts are the reader's own, none is fetched."""
    from gradio.themes import Base, sizes

    made = Base(
        font=[font.strip('" ') for font in SANS.split(",")],
        font_mono=[font.strip('" ') for font in MONO.split(",")],
        text_size=sizes.text_md,
    )
    return made.set(**_variables(), **SHAPES)


def style() -> str:
    """The style sheet of all apps: the palette as CSS variables, and what a theme cannot say."""
    return STYLE.replace("LIGHT", light_variables()).replace("DARK", dark_variables())


def _variables() -> dict[str, str]:
    """Each variable is the palette's of the page, which turns dark by itself."""
    return {
        variable + mode: f"var(--{name})"
        for name, variables in COLOURS.items()
        for variable in variables.split()
        for mode in ("", "_dark")
    }
