"""Things by what a person types: an id, or some of a title. What the apps search with."""

from __future__ import annotations

from collections.abc import Sequence


def find(
    text: str, titles: Sequence[str], ids: Sequence[int | str], *, limit: int = 8
) -> list[int]:
    """The places that fit, best first: the very id, then titles that begin so, words, any place.

    Case does not count; several words must all occur. Nothing typed finds nothing.
    """
    words = text.casefold().split()
    if not words:
        return []
    ranked = sorted(
        (rank, len(title), place)
        for place, (title, id) in enumerate(zip(titles, ids, strict=True))
        if (rank := _rank(words, str(id), title.casefold())) is not None
    )
    return [place for *_, place in ranked[:limit]]


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
