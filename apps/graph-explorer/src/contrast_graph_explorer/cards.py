"""The written side of the page: a node with its neighbours, and what a search found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jinja2 import Environment, PackageLoader

from contrast.reporting.palette import SERIES_LIGHT
from contrast_graph_explorer.graph_run import GraphRun
from contrast_graph_explorer.neighbours import Neighbourhood

NODE, FOUND = "node.html.jinja", "found.html.jinja"


def node_card(run: GraphRun, near: Neighbourhood) -> str:
    """The node, its nearest in the embedding, and its nearest along each meta-path."""
    return _pages().get_template(NODE).render(run=run, near=near, colour=colour_of(run))


def found_list(run: GraphRun, nodes: Sequence[int], text: str) -> str:
    """What a search found, or that it found nothing; empty where nothing was typed."""
    page = _pages().get_template(FOUND)
    return page.render(run=run, nodes=nodes, text=text.strip(), colour=colour_of(run))


def colour_of(run: GraphRun) -> Callable[[int], str]:
    """A function from a node to the CSS colour of its class."""

    def colour(node: int) -> str:
        number = -1 if run.labels is None else int(run.labels[node])
        return f"var(--series-{number % len(SERIES_LIGHT)})" if number >= 0 else "var(--faint)"

    return colour


def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("contrast_graph_explorer", "."), autoescape=True, trim_blocks=True
    )
