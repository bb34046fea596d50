"""A finished MEOW run, opened for looking: embedding, graph, names and labels of its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contrast.errors import RunFolderError
from contrast.reporting.serving import check_finished
from contrast_graph_explorer.neighbours import Links, unit_rows

if TYPE_CHECKING:
    from contrast_meow.data import GraphData

PLUGIN = "meow"


@dataclass(frozen=True)
class GraphRun:
    """N target nodes with what is known of each.

    Shapes:  z: (N, D) rows of length 1;  ids, titles: N;  labels: N numbers into `classes`, -1
    unknown, or None;  links: for each meta-path, by its short name.
    """

    name: str
    target: str
    z: np.ndarray
    ids: list[int | str]
    titles: list[str]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    links: dict[str, Links]

    def __len__(self) -> int:
        """The number N of nodes."""
        return len(self.ids)

    def label(self, node: int) -> str:
        """The name of a node's class; empty where it has none."""
        known = self.labels is not None and self.labels[node] >= 0
        return self.classes[self.labels[node]] if known else ""

    @cached_property
    def positions(self) -> tuple[np.ndarray, str]:
        """The 2-D map, (N, 2), and how it was made; takes seconds on the first call."""
        from contrast.reporting.projection import project

        return project(self.z)

    @property
    def best_known(self) -> int:
        """The node with the most links along the first meta-path, where a visit begins."""
        return int(next(iter(self.links.values())).own.argmax())


def open_run(folder: Path) -> GraphRun:
    """The run in this folder.

    Raises: RunFolderError: it is no run folder, or the run is not finished;
    ConfigError: it is a run of another plugin;  DataError: its data are no longer found, or are no
    longer those that it was trained on.
    """
    check_finished(folder, PLUGIN, "the graph explorer")
    z = _embedding(folder)
    import contrast

    return from_data(folder.resolve().name, contrast.load(folder).data, z)


def from_data(name: str, data: GraphData, z: np.ndarray) -> GraphRun:
    """A run's parts put together; titles are the target's `titles`, else its texts or numbers."""
    numbered = [id if isinstance(id, str) else f"{data.target} {id}" for id in data.ids]
    titles = data.graph[data.target].get("titles") or numbered
    named = bool(data.classes) or data.labels is None
    labels, classes = (data.labels, data.classes) if named else _numbered_classes(data.labels)
    return GraphRun(
        name=name,
        target=data.target,
        z=unit_rows(z),
        ids=list(data.ids),
        titles=list(titles),
        labels=labels,
        classes=classes,
        links=_links(data),
    )


def _embedding(folder: Path) -> np.ndarray:
    """What the run's own evaluation drew, so that page and report show the same."""
    from contrast.reporting import load_evaluations

    maps = [drawn for found in load_evaluations(folder).values() for drawn in found.maps]
    if not maps:
        raise RunFolderError(
            f"{folder} holds no evaluated embedding\nWrite it with `contrast eval {folder}`."
        )
    return np.asarray(maps[-1].z)


def _numbered_classes(labels: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    found = np.unique(labels[labels >= 0])
    numbered = np.where(labels >= 0, np.searchsorted(found, labels), -1)
    return numbered, tuple(f"class {number}" for number in found)


def _links(data: GraphData) -> dict[str, Links]:
    from contrast_meow.metapaths import incidence

    return {_short(path): Links(incidence(data.graph, path.half)) for path in data.paths}


def _short(path: Any) -> str:
    """The way out, `movie > rev_liked > user`: the way back is its mirror image."""
    return " > ".join(
        [path.half[0][0], *(word for _, relation, end in path.half for word in (relation, end))]
    )
