"""The paired differences of the learning check as SVG: a dot and its interval for each claim."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import ceil

from learning_orderings import Accuracies, Ordering, difference

from contrast.reporting.palette import css_variables

ROW, LEFT, WIDTH = 17, 470, 330  # pixels: height of a row, width of its words, of the axis
STYLE = """
.paper { fill: var(--paper); stroke: none }
.words { fill: var(--ink) } .where { fill: var(--quiet) } .grid { stroke: var(--grid) }
.zero { stroke: var(--quiet) } .open { stroke: var(--faint); fill: var(--faint) }
.back { stroke: var(--good); fill: var(--good) } .reversed { stroke: var(--bad); fill: var(--bad) }
"""
LOOKS = {"**comes back**": "back", "reversed": "reversed", "not separated": "open"}


def figure(found: Accuracies, claims: Iterable[Ordering]) -> str:
    """All claims from top to bottom, the axis in points of accuracy."""
    seen = [(claim, difference(found, claim)) for claim in claims]
    reach = ceil(max(abs(each.mean) + each.half for _, each in seen))
    height = ROW * len(seen) + 40

    def across(points: float) -> float:
        return LEFT + WIDTH * (points + reach) / (2 * reach)

    parts = ['<rect class="paper" width="100%" height="100%"/>']
    for tick in {-reach, -reach // 2, 0, reach // 2, reach}:
        x, look = across(tick), "zero" if tick == 0 else "grid"
        parts.append(f'<line class="{look}" x1="{x:.0f}" x2="{x:.0f}" y1="6" y2="{height - 30}"/>')
        label = f'text-anchor="middle" x="{x:.0f}" y="{height - 12}"'
        parts.append(f'<text class="where" {label}>{f"{tick:+d}" if tick else 0}</text>')
    for row, (claim, each) in enumerate(seen):
        y, look = ROW * row + 16, LOOKS[each.verdict]
        low, high = across(each.mean - each.half), across(each.mean + each.half)
        parts += [
            f'<text class="words" x="6" y="{y + 4}">{escape(claim.claim)}</text>',
            f'<text class="where" x="{LEFT - 10}" y="{y + 4}" text-anchor="end">'
            f"{escape(claim.where)}</text>",
            f'<g class="{look}"><line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}"/>'
            f'<circle cx="{across(each.mean):.1f}" cy="{y}" r="3.5"/></g>',
        ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 20} {height}" '
        f'font-family="system-ui, sans-serif" font-size="11.5" stroke-width="1.6">\n'
        f"<style>{css_variables()}{STYLE}text {{ stroke: none }}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )
