"""Meta-paths: their names, what they pass, and the incidence matrices along them.

A path is named by its node types and relations, `movie>rev_liked>user>liked>movie`, or by its
node types alone, `movie>user>movie`, where each step has one relation only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from torch_geometric.data import HeteroData

from contrast.errors import ConfigError, did_you_mean, listing

EdgeType = tuple[str, str, str]


@dataclass(frozen=True)
class MetaPath:
    """A chain of relations that leads from the target type back to it and reads the same reversed.

    Its steps are the node types in between: paper>author>paper has the one step `author`.
    """

    edges: tuple[EdgeType, ...]

    @property
    def name(self) -> str:
        """The long name, from which `parse` finds the path again."""
        first = self.edges[0][0]
        return ">".join([first, *(word for _, *words in self.edges for word in words)])

    @property
    def short(self) -> str:
        """The node types alone."""
        return ">".join((self.edges[0][0], *(end for _, _, end in self.edges)))

    @property
    def steps(self) -> tuple[str, ...]:
        """The node types between the two ends, in order."""
        return tuple(end for _, _, end in self.edges[:-1])

    @property
    def half(self) -> tuple[EdgeType, ...]:
        """The relations of the way out, of which the way back is the reverse."""
        return self.edges[: len(self.edges) // 2]


def parse(text: str, graph: HeteroData, target: str) -> MetaPath:
    """The meta-path that a long or short name means in this graph.

    Raises: ConfigError: no such type or relation, a step of several relations without their
    names, ends other than the target, or a path that does not read the same backwards.
    """
    words = tuple(word.strip() for word in text.split(">"))
    edges = _long_form(words, graph.edge_types) or _short_form(text, words, graph)
    if edges[0][0] != target or edges[-1][2] != target:
        raise ConfigError(f"meta-path `{text}` must begin and end at the target type `{target}`")
    path = MetaPath(edges)
    back = edges[len(path.half) :]
    if len(edges) % 2 or _differ(incidence(graph, path.half), incidence(graph, back).T):
        raise ConfigError(
            f"meta-path `{text}` does not read the same backwards, which PathSim needs\n"
            "Go out and return by the reverse relation: `a>relation>b>rev_relation>a` "
            "(torch_geometric.transforms.ToUndirected adds the reverse relations)."
        )
    return path


def _long_form(words: tuple[str, ...], known: list[EdgeType]) -> tuple[EdgeType, ...]:
    edges = tuple(words[i : i + 3] for i in range(0, len(words) - 2, 2))
    return edges if len(words) % 2 and edges and all(edge in known for edge in edges) else ()


def _short_form(text: str, words: tuple[str, ...], graph: HeteroData) -> tuple[EdgeType, ...]:
    hops = list(pairwise(words))
    fitting = [[e for e in graph.edge_types if (e[0], e[2]) == hop] for hop in hops]
    if hops and all(len(found) == 1 for found in fitting):
        return tuple(found[0] for found in fitting)
    relations = listing(">".join(edge) for edge in graph.edge_types)
    several = next((found for found in fitting if len(found) > 1), None)
    if several and all(word in graph.node_types for word in words):
        raise ConfigError(
            f"meta-path `{text}` is not unique: {several[0][0]} to {several[0][2]} has several "
            f"relations\nName them as in `{'>'.join(several[0])}`; relations: {relations}"
        )
    names = {*graph.node_types, *(relation for _, relation, _ in graph.edge_types)}
    unknown = next((word for word in words if word not in names), None)
    hint = f"; no `{unknown}`{did_you_mean(unknown, names)}" if unknown is not None else ""
    raise ConfigError(
        f"meta-path `{text}` does not exist in this graph{hint}\nrelations: {relations}"
    )


def _differ(one: sparse.csr_array, other: sparse.csr_array) -> bool:
    return one.shape != other.shape or (one != other).nnz > 0


def incidence(graph: HeteroData, edges: Iterable[EdgeType]) -> sparse.csr_array:
    """In how many ways the nodes at the start of the chain reach those at its end.

    Shapes:  (nodes of the first type, nodes of the last type), float64 counts.
    """
    product: sparse.csr_array | None = None
    for edge in edges:
        start, end = graph[edge].edge_index.numpy()
        shape = (graph[edge[0]].num_nodes, graph[edge[2]].num_nodes)
        step = sparse.coo_array((np.ones(len(start)), (start, end)), shape=shape).tocsr()
        product = step if product is None else product @ step
    return product
