"""MEOW's sampler: the whole graph at every step, and clusters of what the encoder makes of it.

Graphs and masks are made once, before training. The clusters are found anew on every forward
(`relate`); from them follow the weights of the negatives, by structure.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from scipy import sparse
from torch import Generator, Tensor
from torch.nn.functional import normalize

from contrast.errors import ConfigError, DataError
from contrast.interfaces import Moment, Sampler
from contrast.primitives.prototypes import concentrations, kmeans
from contrast_meow.cache import cache_folder, kept_graph
from contrast_meow.cut import Rule, Ties
from contrast_meow.data import GraphData
from contrast_meow.form import Graph
from contrast_meow.graph import (
    average,
    factors,
    mask_edges,
    mask_features,
    mean_factors,
    mean_over_neighbours,
    normalise,
)
from contrast_meow.metapaths import MetaPath, incidence
from contrast_meow.operators import AnyOperator, Mean, Operator, Product

# Edges of the coarse graph beyond which a matrix of its own is not worth its 16 bytes an edge.
ONE_MATRIX_UP_TO = 1_000_000


@dataclass(frozen=True)
class GraphBatch:
    """The whole graph, ready for the encoder: N targets, P meta-paths.

    Shapes:  features: one (n_t, F_t) a type in the order of `GraphData.types`, the target first;
    masked: (N, F) the target's features with some entries 0, one matrix, or one for each path where
    the target has a projection for each;  contexts: for each path and step the (N, n_t) mean over
    neighbours;  graphs, masked_graphs: P of (N, N);  coarse: (N, N).
    """

    features: tuple[Operator, ...]
    masked: tuple[Operator, ...]
    contexts: tuple[tuple[AnyOperator, ...], ...]
    graphs: tuple[AnyOperator, ...]
    masked_graphs: tuple[AnyOperator, ...]
    coarse: AnyOperator


class MeowSampler(Sampler):
    """Owns the meta-path graphs, the two masks, the order of ties and the starts of k-means.

    `tie_rank` is a random permutation of the nodes; it decides ties among equal PathSim, and the
    starts of k-means are drawn as ranks, so that a renumbering of the nodes together with
    `tie_rank` changes nothing. It is drawn first, and depends on N alone.
    Settings that do not fit the graph (more clusters or kept columns than nodes) are cut down
    with a warning. With `relates=False` no clusters are looked for; with `remembers` the embedding
    of the last training step is kept (`last`) and is part of the state. `ties` is the rule among
    equal PathSim, `auto` the random one, or the official one if `official`.
    Raises: ConfigError: not one `neighbours` or `edge_masks` for each meta-path (or for all).
    """

    shared = True  # every rank draws the whole graph

    def __init__(
        self,
        data: GraphData,
        *,
        generator: Generator,
        feature_mask: float = 0.2,
        edge_masks: tuple[float, ...] = (0.2,),
        neighbours: tuple[int, ...] = (30,),
        clusters: tuple[int, ...] = (100, 200),
        restarts: int = 5,
        iterations: int = 20,
        ties: Rule | Literal["auto"] = "auto",
        cache: bool = True,
        relates: bool = True,
        remembers: bool = False,
        official: bool = False,
        tie_rank: Tensor | None = None,
    ) -> None:
        N = len(data)
        drawn = torch.randperm(N, generator=generator)
        self.tie_rank = drawn if tie_rank is None else tie_rank
        self.by_rank = self.tie_rank.argsort()
        self.data, self.iterations = data, iterations
        self.relates, self.remembers = relates, remembers
        self.last: Tensor | None = None
        self.rule = ("official" if official else "random") if ties == "auto" else ties
        keep = at_most(N, per_path("neighbours", neighbours, data), "sampler.neighbours")
        masks = per_path("edge_masks", edge_masks, data)
        if not relates:  # and nobody is warned of clusters that nobody looks for
            clusters = tuple(min(K, N) for K in clusters)
        self.sizes = at_most(N, clusters, "sampler.clusters")
        self.starts = [draw_starts(N, K, restarts, generator) for K in self.sizes]
        folder = cache_folder() if cache else None
        self.kept = keep_graphs(data, keep, Ties(self.tie_rank.numpy(), self.rule), folder)
        masked = [
            mask_edges(g, share, generator) for g, share in zip(self.kept, masks, strict=True)
        ]
        features = [data.features(node_type) for node_type in data.types]
        hidden = [
            mask_features(features[0], feature_mask, generator)
            for _ in (data.paths if data.per_path else data.paths[:1])
        ]
        self.batch = assemble(data, features, hidden, self.kept, masked)

    def draw(self, at: Moment) -> GraphBatch:
        """The whole graph."""
        return self.batch

    def relate(self, form: Graph, at: Moment) -> Graph:
        """The form with clusters, prototypes and concentrations of the detached fine view."""
        if self.remembers:
            self.last = form.embedding.detach()
        if not self.relates:
            return form
        f, by_rank = form.z[1].detach(), self.by_rank.to(form.z.device)
        found = [
            kmeans(f, by_rank[starts.to(f.device)], iterations=self.iterations)
            for starts in self.starts
        ]
        return replace(
            form,
            clusters=torch.stack([each.ids for each in found]),
            prototypes=torch.cat([normalize(each.centres, dim=1) for each in found]),
            concentration=torch.cat([concentrations(f, each) for each in found]),
            sizes=self.sizes,
        )

    def sweep(self, split: str) -> Iterator[GraphBatch]:
        """The whole graph once, whatever the split: the encoder mixes all nodes."""
        yield self.batch

    def state_dict(self) -> dict[str, Any]:
        """What graph it is, and the embedding of the last training step where it is wanted."""
        last = {} if self.last is None else {"last": self.last}
        return {"graph": self.data.fingerprint, **last}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave.    Raises: DataError: it was given of another graph."""
        if state.get("graph", self.data.fingerprint) != self.data.fingerprint:
            raise DataError(
                f"the graph of {len(self.data)} nodes of type `{self.data.target}` is not the one "
                "that the run was trained on: ids, features or edges have changed since\n"
                "Put the graph back, or train on the new one."
            )
        self.last = state.get("last")

    def ids(self, batch: GraphBatch) -> list[int | str]:
        """The ids of the target nodes."""
        return self.data.ids


def per_path(name: str, values: tuple, data: GraphData) -> tuple:
    """One value a meta-path; a single value serves all."""
    if len(values) not in (1, len(data.paths)):
        raise ConfigError(
            f"`sampler.{name}` needs one value, or one for each of the {len(data.paths)} "
            f"meta-paths, got {len(values)}"
        )
    return tuple(values) * (len(data.paths) if len(values) == 1 else 1)


def at_most(N: int, values: tuple[int, ...], name: str) -> tuple[int, ...]:
    """The values, none above the number of nodes; a warning says what was cut down."""
    if max(values) > N:
        warnings.warn(
            f"`{name}` is {max(values)} for {N} nodes; {N} is used. "
            f"On a small graph set smaller values.",
            stacklevel=3,
        )
    return tuple(min(value, N) for value in values)


def draw_starts(N: int, K: int, restarts: int, generator: Generator) -> Tensor:
    """The tie ranks of the K nodes at which each restart of k-means begins, (restarts, K)."""
    return torch.stack([torch.randperm(N, generator=generator)[:K] for _ in range(restarts)])


def keep_graphs(
    data: GraphData, keep: tuple[int, ...], ties: Ties, folder: Path | None
) -> list[sparse.csr_array]:
    """The graph of each meta-path after the cut by PathSim, weighted by path counts."""
    return [
        kept_graph(incidence(data.graph, path.half), K, ties, folder)
        for path, K in zip(data.paths, keep, strict=True)
    ]


def assemble(
    data: GraphData,
    features: list[sparse.csr_array],
    hidden: list[sparse.csr_array],
    kept: list[sparse.csr_array],
    masked: list[sparse.csr_array],
) -> GraphBatch:
    """Everything normalised and in the form in which it multiplies fastest."""
    graphs = tuple(map(graph_operator, kept))
    return GraphBatch(
        features=tuple(map(Operator.of, features)),
        masked=tuple(map(Operator.of, hidden)),
        contexts=tuple(
            tuple(context_operator(data, path, step) for step in range(len(path.steps)))
            for path in data.paths
        ),
        graphs=graphs,
        masked_graphs=tuple(Operator.of(normalise(graph)) for graph in masked),
        coarse=coarse_operator(kept, graphs),
    )


def coarse_operator(
    kept: list[sparse.csr_array], graphs: tuple[AnyOperator, ...]
) -> Operator | Mean:
    """The mean of the graphs: one matrix where edges coincide, else each by itself."""
    if not all(isinstance(graph, Operator) for graph in graphs):
        return Mean(graphs)
    mean = average([normalise(graph) for graph in kept])
    apart = mean.nnz > 0.9 * sum(graph.nnz for graph in kept)
    return Mean(graphs) if apart and mean.nnz > ONE_MATRIX_UP_TO else Operator.of(mean)


def graph_operator(kept: sparse.csr_array) -> AnyOperator:
    """The normalised graph, by factors where targets keep the very same columns."""
    found = factors(kept)
    return Operator.of(normalise(kept)) if found is None else Product(*map(Operator.of, found))


def context_operator(data: GraphData, path: MetaPath, step: int) -> AnyOperator:
    """The mean over the `step`-th type on the way, by factors where the last hop allows it."""
    if step:
        last = incidence(data.graph, path.edges[step : step + 1])
        found = mean_factors(data.context(path, step - 1), last)
        if found is not None:
            return Product(*map(Operator.of, found))
    return Operator.of(mean_over_neighbours(data.context(path, step)))
