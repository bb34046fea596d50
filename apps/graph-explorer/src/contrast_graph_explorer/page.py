"""The page: search, map, and the neighbours of the chosen node; all three choose a node."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr
import numpy as np

from contrast.reporting.search import find
from contrast.reporting.serving import quiet_page
from contrast_graph_explorer.cards import found_list, node_card
from contrast_graph_explorer.graph_run import GraphRun
from contrast_graph_explorer.neighbours import Near, neighbourhood

BY_CLASS, BY_SIMILARITY = "class", "similarity to the node"
MAP = '<div class="map"><canvas></canvas><div class="tip"></div><div class="key"></div>'
MAP += '<p class="how">Laying out the map …</p></div>'
CHOOSE = """element.addEventListener('click', event => {
  const row = event.target.closest('[data-node]');
  if (row) trigger('select', {node: Number(row.dataset.node)});
});"""


def make_page(run: GraphRun) -> gr.Blocks:
    """The page over one run; the map is laid out when it is first looked at."""
    ways = [BY_CLASS, BY_SIMILARITY] if run.labels is not None else [BY_SIMILARITY]
    with quiet_page(f"{run.name} · graph explorer") as page:
        node = gr.State(run.best_known)
        gr.HTML(f"<h1>Graph explorer</h1><p class='quiet'>{_summary(run)}</p>", padding=False)
        typed = gr.Textbox(
            label=f"Find a {run.target}", placeholder="title or number", elem_id="search"
        )
        found = gr.HTML("", js_on_load=CHOOSE, apply_default_css=False, elem_id="found")
        with gr.Row():
            with gr.Column(scale=6, min_width=280, elem_id="left"):
                drawn = gr.HTML(
                    "",
                    html_template=MAP,
                    js_on_load=_asset("map.js"),
                    apply_default_css=False,
                    elem_id="map",
                    cloud="",
                )
                with gr.Row():
                    way = gr.Radio(ways, value=ways[0], label="Colour by")
                    k = gr.Slider(5, 50, value=10, step=1, label="Neighbours")
            with gr.Column(scale=6, min_width=280):
                card = gr.HTML("", js_on_load=CHOOSE, apply_default_css=False, elem_id="card")
        show = Show(run)
        quick = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
        looked_up = {"fn": show.chosen, "inputs": [node, k, way], "outputs": [card, drawn], **quick}
        page.load(**looked_up)
        page.load(show.cloud, None, drawn, **quick)
        typed.input(show.found, typed, found, **quick)
        typed.submit(show.best, [typed, node], [node, typed, found], **quick).then(**looked_up)
        for part in (found, card, drawn):
            part.select(clicked, None, [node, typed, found], **quick).then(**looked_up)
        for part in (k, way):
            part.change(**looked_up)
        gr.api(show.neighbours, api_name="neighbours")
    return page


def page_style() -> str:
    """The rules of this page beside those that all apps share."""
    return _asset("page.css")


class Show:
    """What the events of the page ask of the run."""

    def __init__(self, run: GraphRun) -> None:
        self.run = run

    def chosen(self, node: int, k: int, way: str) -> tuple[str, str]:
        """The card of a node, and what the map is to mark."""
        near = neighbourhood(self.run, node, int(k))
        linked = {each.node for found in near.graph.values() for each in found}
        percent = np.rint(100 * near.similarity).astype(int).tolist()
        marks = {
            "node": node,
            "near": [each.node for each in near.embedding],
            "linked": sorted(linked),
            "similarity": percent if way == BY_SIMILARITY else None,
        }
        return node_card(self.run, near), json.dumps(marks)

    def cloud(self) -> dict[str, Any]:
        """The points of the map, within -1 and 1; they never change."""
        run, (points, how) = self.run, self.run.positions
        points = points - (points.max(0) + points.min(0)) / 2
        points = points / (np.abs(points).max() or 1.0)
        held = {
            "x": points[:, 0].round(4).tolist(),
            "y": points[:, 1].round(4).tolist(),
            "series": (np.full(len(run), -1) if run.labels is None else run.labels).tolist(),
            "titles": run.titles,
            "key": list(run.classes),
            "how": how + " Rings: nearest in the embedding. Lines: nearest on the graph.",
        }
        return gr.update(cloud=json.dumps(held))

    def found(self, text: str) -> str:
        """The nodes that fit what was typed so far."""
        return found_list(self.run, self._fitting(text), text)

    def best(self, text: str, node: int) -> tuple[int, str, str]:
        """The best fit becomes the chosen node; where nothing fits, all stays."""
        fitting = self._fitting(text)
        return (fitting[0], "", "") if fitting else (node, text, self.found(text))

    def neighbours(self, node: str, k: int = 10) -> dict:
        """For programs: the neighbours of the node of this id or title."""
        fitting = self._fitting(node)
        if not fitting:
            raise gr.Error(f"no {self.run.target} fits `{node}`")
        near = neighbourhood(self.run, fitting[0], k)
        return {
            **self._named(fitting[0]),
            "embedding": [self._row(each) for each in near.embedding],
            "graph": {path: [self._row(e) for e in found] for path, found in near.graph.items()},
        }

    def _fitting(self, text: str) -> list[int]:
        return find(text, self.run.titles, self.run.ids)

    def _row(self, near: Near) -> dict[str, Any]:
        paths = {} if near.paths is None else {"paths": near.paths}
        return {**self._named(near.node), "score": round(near.score, 4), **paths}

    def _named(self, node: int) -> dict[str, Any]:
        return {"id": self.run.ids[node], "title": self.run.titles[node]}


def clicked(event: gr.EventData) -> tuple[int, str, str]:
    """A click on a point or a row chooses its node and clears the search."""
    return int(event.node), "", ""


def _summary(run: GraphRun) -> str:
    paths = "; ".join(run.links)
    return escape(f"{run.name} · {len(run):,} nodes of type {run.target} · along {paths}")


def _asset(name: str) -> str:
    return files("contrast_graph_explorer").joinpath(name).read_text(encoding="utf-8")
