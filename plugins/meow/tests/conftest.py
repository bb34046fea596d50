"""A small graph with everything that can go wrong in it: isolated targets, zero features."""

import dataclasses

import pytest
import torch
from torch_geometric.data import HeteroData

from contrast.engine.randomness import generator
from contrast_meow.data import GraphData, draw_splits
from contrast_meow.metapaths import parse


@pytest.fixture
def graph() -> HeteroData:
    """30 films, 12 people, 5 topics; film 0 has no neighbour at all, film 1 no features."""
    g = generator("tiny")
    made = HeteroData()
    x = (torch.rand(30, 8, generator=g) < 0.4).float()
    x[1] = 0
    made["film"].x = x
    made["film"].y = torch.arange(30) % 3
    made["film"].ids = [f"film {i}" for i in range(30)]
    made["person"].num_nodes = 12
    made["topic"].x = torch.randn(5, 4, generator=g)
    for other, relation, count in (("person", "liked", 12), ("topic", "covers", 5)):
        linked = torch.rand(30, count, generator=g) < 0.3
        linked[0] = False
        edges = linked.nonzero().T.contiguous()
        made["film", f"rev_{relation}", other].edge_index = edges
        made[other, relation, "film"].edge_index = edges.flip(0).contiguous()
    return made


@pytest.fixture
def data(graph: HeteroData) -> GraphData:
    """The small graph along both of its meta-paths."""
    paths = tuple(parse(f"film>{t}>film", graph, "film") for t in ("person", "topic"))
    labels = graph["film"].y.numpy()
    splits, _ = draw_splits(labels, (3,), 8, generator("split"))
    return GraphData(graph, "film", paths, graph["film"].ids, labels, splits, structure=paths[0])


@pytest.fixture
def renumber():
    """A function that renumbers a graph's targets: the new node i is the old node order[i]."""

    def renumbered(data: GraphData, order: torch.Tensor) -> GraphData:
        graph, place = data.graph.clone(), order.argsort()
        graph[data.target].x = graph[data.target].x[order]
        graph[data.target].y = graph[data.target].y[order]
        for edge_type in graph.edge_types:
            edges = graph[edge_type].edge_index.clone()
            for side in (0, 1):
                if edge_type[2 * side] == data.target:
                    edges[side] = place[edges[side]]
            graph[edge_type].edge_index = edges
        ids = [data.ids[i] for i in order]
        return dataclasses.replace(data, graph=graph, ids=ids, labels=data.labels[order.numpy()])

    return renumbered
