"""Nodes by what a person types: an id, or some of a title."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contrast_graph_explorer.graph_run import GraphRun


def find(run: GraphRun, text: str, limit: int = 8) -> list[int]:
    """The nodes that fit, best first: the very id, then titles that begin so, words, any place.

    Case does not count; several words must all occur. Nothing typed finds nothing.
    """
    words = text.casefold().split()
    if not words:
        return []
    ranked = sorted(
        (rank, len(title), node)
        for node, title in enumerate(run.titles)
        if (rank := _rank(words, str(run.ids[node]), title.casefold())) is not None
    )
    return [node for *_, node in ranked[:limit]]


def _rank(words: list[str], id: str, title: str) -> int | None:
    typed = " ".join(words)
    if typed == id.casefold():
        return 0
    if title.startswith(typed):
        return 1
    if not all(word in title for word in words):
        return None
    starts = f" {title}".replace("(", " ")
    return 2 if all(f" {word}" in starts for word in words) else 3
