"""The written side of the page: what was taken, what comes next, what is near, what was found."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader

from contrast_recommender.shelf import Shelf


def taken_list(shelf: Shelf, taken: Sequence[int]) -> str:
    """What was taken, latest first, each to look at or to take back."""
    return _render("taken.html.jinja", shelf=shelf, taken=list(reversed(taken)))


def next_and_near(shelf: Shelf, taken: Sequence[int], looked_at: int, k: int) -> str:
    """The k next items, and the k nearest to the one looked at."""
    following, near = shelf.following(taken, k), shelf.near(looked_at, k)
    return _render(
        "lists.html.jinja",
        shelf=shelf,
        taken=list(taken),
        looked_at=looked_at,
        following=following,
        near=near,
    )


def found_list(shelf: Shelf, items: Sequence[int], text: str) -> str:
    """What a search found, or that it found nothing; empty where nothing was typed."""
    return _render("found.html.jinja", shelf=shelf, items=items, text=text.strip())


def _render(name: str, **held: object) -> str:
    pages = Environment(
        loader=PackageLoader("contrast_recommender", "."), autoescape=True, trim_blocks=True
    )
    return pages.get_template(name).render(**held)
