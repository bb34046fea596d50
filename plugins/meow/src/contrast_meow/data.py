"""What MEOW learns from: a `HeteroData`, the target type, its meta-paths, labels and splits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from torch import Generator, randperm, uint8
from torch_geometric.data import HeteroData

from contrast.errors import ConfigError, DataError, did_you_mean, listing
from contrast.evaluation import Split
from contrast_meow.folder import MASKS, load_graph, packed
from contrast_meow.graph import scale_rows
from contrast_meow.hubs import Official
from contrast_meow.metapaths import MetaPath, incidence, parse
from contrast_meow.operators import to_scipy


@dataclass(frozen=True)
class GraphData:
    """A heterogeneous graph with the node type to be embedded.

    `labels` are -1 where unknown, None where there are none; `splits` are named by the number of
    labelled nodes a class; `classes` names the labels; `structure` is the meta-path whose truncated
    SVD is scored beside, None for none; `notes` are sentences for the report. `per_path` gives the
    target an input projection for each meta-path. `official` holds figures of the official code.
    """

    graph: HeteroData
    target: str
    paths: tuple[MetaPath, ...]
    ids: list[int | str]
    labels: np.ndarray | None = None
    splits: dict[str, Split] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    structure: MetaPath | None = None
    notes: tuple[str, ...] = ()
    per_path: bool = False
    official: Official | None = None

    def __len__(self) -> int:
        """The number N of target nodes."""
        return self.graph[self.target].num_nodes

    @cached_property
    def fingerprint(self) -> str:
        """A checksum of the target's ids and of all features and edges."""
        found = hashlib.sha256(json.dumps([self.target, self.ids]).encode())
        for name, store in (*self.graph.node_items(), *self.graph.edge_items()):
            for key in ("x", "edge_index"):
                parts = {} if store.get(key) is None else packed(f"{name}.{key}", store[key])
                for part, held in parts.items():
                    found.update(part.encode())
                    found.update(held.view(-1).view(uint8).numpy())
        return found.hexdigest()

    @property
    def types(self) -> tuple[str, ...]:
        """The target type, then every type that a meta-path passes."""
        passed = (step for path in self.paths for step in path.steps)
        return tuple(dict.fromkeys((self.target, *passed)))

    def width(self, node_type: str) -> int:
        """The number of features of a type; that of its nodes where it has none (one-hot)."""
        x = self.graph[node_type].get("x")
        return self.graph[node_type].num_nodes if x is None else x.shape[1]

    def sizes(self) -> dict[str, Any]:
        """What the encoder must know of the graph, as plain values."""
        return {
            "features": {node_type: self.width(node_type) for node_type in self.types},
            "steps": [list(path.steps) for path in self.paths],
            "per_path": self.per_path,
        }

    def features(self, node_type: str) -> sparse.csr_array:
        """The features of a type, each row divided by its sum; one-hot where there are none.

        A row that sums to 0 stays 0. Features with a negative entry are used as they are, since
        their sums mean nothing.
        """
        x = self.graph[node_type].get("x")
        if x is None:
            return sparse.eye_array(self.graph[node_type].num_nodes, format="csr")
        matrix = to_scipy(x)
        if (matrix.data < 0).any():
            return matrix
        return scale_rows(matrix, np.asarray(matrix.sum(1)).ravel())

    def context(self, path: MetaPath, step: int) -> sparse.csr_array:
        """The incidence of the target with the `step`-th type on the way (0 the first)."""
        return incidence(self.graph, path.edges[: step + 1])


def own_graph(
    generator: Generator,
    *,
    path: str,
    target: str,
    meta_paths: tuple[str, ...],
    labelled: tuple[int, ...],
    validation: float,
) -> GraphData:
    """The user's graph, from a folder that `save_graph` wrote.

    Labels are the target's `y` (negative: unknown). Its `train_mask`, `val_mask` and `test_mask`
    are used where there are all three; else a split is drawn for each number of `labelled` nodes a
    class, with the share `validation` of the other labelled nodes to choose by.
    Raises: DataError: the folder or graph cannot be used;  ConfigError: a wrong target or path.
    """
    graph = load_graph(path)
    if not meta_paths:
        relations = listing(">".join(edge) for edge in graph.edge_types)
        raise ConfigError(
            "`data.meta_paths` is empty: name paths from the target type back to it, such as "
            f"`a>relation>b>rev_relation>a`\nrelations: {relations}"
        )
    target = target or meta_paths[0].partition(">")[0].strip()
    if target not in graph.node_types:
        raise DataError(
            f"the target must be a node type of {path}, got `{target}`"
            f"{did_you_mean(target, graph.node_types)}\nnode types: {listing(graph.node_types)}"
        )
    paths = tuple(parse(text, graph, target) for text in meta_paths)
    node, alone = graph[target], isolated(graph, paths)
    ids = node.get("ids") or list(range(node.num_nodes))
    if node.get("y") is None:
        return GraphData(graph, target, paths, ids, notes=alone)
    labels = node.y.numpy()
    absent = [name for name in MASKS if node.get(name) is None]
    if not absent:
        splits = {"own": split_by_masks(graph, target)}
        return GraphData(graph, target, paths, ids, labels, splits, notes=alone)
    splits, notes = draw_splits(labels, labelled, validation, generator)
    if len(absent) < len(MASKS):
        unused = "its other masks are not used, the splits are drawn."
        notes = (*notes, f"`{target}` has no `{absent[0]}`: {unused}")
    return GraphData(graph, target, paths, ids, labels, splits, notes=(*alone, *notes))


def split_by_masks(graph: HeteroData, target: str) -> Split:
    """The labelled nodes of the target's three masks.

    Raises: DataError: one leaves none, or the test part holds nodes of another.
    """
    labels = graph[target].y.numpy()
    train, validation, test = (
        np.flatnonzero(graph[target][name].bool().numpy() & (labels >= 0)) for name in MASKS
    )
    sizes = [len(part) for part in (train, validation, test)]
    if not all(sizes):
        raise DataError(
            f"the masks of `{target}` leave {', '.join(map(str, sizes))} "
            "labelled nodes to train, val and test: none may be 0"
        )
    seen = np.isin(test, np.concatenate([train, validation]))
    if seen.any():
        raise DataError(
            f"{seen.sum()} nodes of `{target}` stand in `test_mask` and in another mask: "
            "their scores would tell nothing of new nodes"
        )
    return Split(train, validation, test)


def isolated(graph: HeteroData, paths: Sequence[MetaPath]) -> tuple[str, ...]:
    """A sentence for each meta-path along which some targets have no neighbour."""
    sentences = []
    for path in paths:
        linked = np.diff(incidence(graph, path.half).indptr) > 0
        if not linked.all():
            sentences.append(
                f"Along `{path.name}` {(~linked).sum()} of {len(linked)} nodes have no neighbour; "
                "there only their own features count."
            )
    return tuple(sentences)


def draw_splits(
    labels: np.ndarray, per_class: Sequence[int], validation: float, generator: Generator
) -> tuple[dict[str, Split], tuple[str, ...]]:
    """A random split for each number of training labels a class, and what could not be drawn.

    `validation` is a number of nodes, or a share of those left if below 1; the rest is the test
    part. A split that would leave a class without a further node is left out, and said.
    """
    known = np.flatnonzero(labels >= 0)
    classes, sizes = np.unique(labels[known], return_counts=True)
    splits, notes = {}, []
    for L in per_class:
        if len(classes) < 2 or sizes.min() <= L:
            few = "fewer than two classes are known"
            small = f"of {len(classes)} classes the smallest has {min(sizes, default=0)} nodes"
            why = few if len(classes) < 2 else small
            notes.append(f"No split with {L} labels a class: {why}.")
            continue
        order = known[randperm(len(known), generator=generator).numpy()]
        chosen = [order[labels[order] == label][:L] for label in classes]
        train = np.concatenate(chosen)
        rest = order[~np.isin(order, train)]
        count = round(validation * len(rest)) if validation < 1 else int(validation)
        if validation >= len(rest):
            notes.append(
                f"With {L} labels a class {len(rest)} nodes are left, no more than "
                f"`data.validation` {validation}: one is tested."
            )
        count = min(max(count, 1), len(rest) - 1)
        splits[str(L)] = Split(train, rest[:count], rest[count:])
    return splits, tuple(notes)
