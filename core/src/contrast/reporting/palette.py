"""The one look of all that people see: colours for light and dark, and fonts. It imports nothing.

Reports, comparisons and apps all take theirs from here: figures by number, pages by the CSS
variables of `css_variables` (`var(--ink)`, `var(--series-0)`, `var(--sans)`).
"""

from __future__ import annotations

LIGHT = {
    "paper": "#ffffff",  # the page
    "raised": "#f5f7fa",  # what lies on it
    "ink": "#18212c",
    "quiet": "#5a6675",  # captions, labels
    "line": "#e0e5eb",  # borders
    "grid": "#dfe5eb",  # of figures
    "accent": "#1a6bb0",  # links, what can be clicked
    "good": "#0b7a59",
    "bad": "#b23a16",
    "faint": "#a0a9b4",  # points without a label
}
DARK = {
    "paper": "#11161d",
    "raised": "#19202a",
    "ink": "#e5eaf0",
    "quiet": "#9aa6b4",
    "line": "#2b3541",
    "grid": "#2f3a47",
    "accent": "#6cb4ee",
    "good": "#45c698",
    "bad": "#f28a63",
    "faint": "#6b7785",
}

# After Okabe and Ito: colour-blind people can tell them apart; each again for a dark page.
SERIES_LIGHT = ("#1f78bd", "#d9610f", "#0d9470", "#bf5592", "#b88a00", "#45a7dd", "#7b69d0")
SERIES_DARK = ("#5aaef2", "#ff965a", "#3fcd9f", "#ee90c5", "#e9bd48", "#9bdcff", "#b1a4ff")

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


def css_variables() -> str:
    """Colours and fonts as CSS variables of `:root`, following the reader's light or dark."""
    return (
        f":root {{ color-scheme: light dark; {light_variables()} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark_variables()} }} }}\n"
    )


def light_variables() -> str:
    """The declarations of a light page, with the fonts, which are those of a dark one too."""
    return _declared({**LIGHT, **_numbered(SERIES_LIGHT), "sans": SANS, "mono": MONO})


def dark_variables() -> str:
    """The declarations in which a dark page differs."""
    return _declared({**DARK, **_numbered(SERIES_DARK)})


def _numbered(colors: tuple[str, ...]) -> dict[str, str]:
    return {f"series-{number}": color for number, color in enumerate(colors)}


def _declared(values: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in values.items())
