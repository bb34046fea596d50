"""Who is near a node: by the cosine of the embeddings, and by PathSim along a meta-path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from contrast_graph_explorer.graph_run import GraphRun


class Links:
    """One meta-path of N targets; a row of its N x N graph is made when it is asked for.

    Shapes:  half: (N, M) counts of the way out;  own: (N,) paths from each node to itself.
    """

    def __init__(self, half: sparse.csr_array) -> None:
        self.half = half.tocsr()
        self.own = np.asarray(self.half.multiply(self.half).sum(1)).ravel()

    def counts(self, node: int) -> np.ndarray:
        """How many instances of the meta-path join the node to each target, (N,)."""
        return self.half @ self.half[[node]].toarray().ravel()

    def pathsim(self, node: int) -> np.ndarray:
        """2 C_ij / (C_ii + C_jj) of the node i with each target j, (N,); 0 between isolated ones.

        (PathSim, Sun et al., VLDB 2011.)
        """
        both = self.own[node] + self.own
        return np.divide(2 * self.counts(node), both, out=np.zeros_like(both), where=both > 0)


@dataclass(frozen=True)
class Near:
    """A neighbour in a list: its score there, its paths, and whether another list has it too."""

    node: int
    score: float
    paths: int | None
    shared: bool


@dataclass(frozen=True)
class Neighbourhood:
    """The k nearest of a node, in the embedding and along each meta-path, nearest first."""

    node: int
    similarity: np.ndarray  # (N,) with all nodes
    embedding: tuple[Near, ...]
    graph: dict[str, tuple[Near, ...]]

    def agreement(self, path: str) -> int:
        """How many neighbours along the path are also neighbours in the embedding."""
        return sum(near.shared for near in self.graph[path])


def neighbourhood(run: GraphRun, node: int, k: int) -> Neighbourhood:
    """Who is near a node, at most k in each list; one without paths has an empty list there."""
    similarity = run.z @ run.z[node]
    close = largest(similarity, k, without=node)
    linked = {}
    for name, links in run.links.items():
        score, counts = links.pathsim(node), links.counts(node)
        best = [j for j in largest(score, k, without=node) if counts[j] > 0]
        linked[name] = tuple(Near(j, float(score[j]), int(counts[j]), j in close) for j in best)
    tied = {near.node for found in linked.values() for near in found}
    embedding = tuple(Near(j, float(similarity[j]), None, j in tied) for j in close)
    return Neighbourhood(node, similarity, embedding, linked)


def largest(scores: np.ndarray, k: int, *, without: int) -> list[int]:
    """The places of the k largest scores, largest first, equal ones by place; never `without`."""
    order = np.argsort(-scores, kind="stable")
    return [int(place) for place in order[: k + 1] if place != without][:k]


def unit_rows(z: np.ndarray) -> np.ndarray:
    """The rows at length 1; a row of zeros stays, and is similar to nobody."""
    length = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(length > 0, length, 1)
