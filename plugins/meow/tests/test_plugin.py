from pathlib import Path

import torch
from torch_geometric.data import HeteroData

from contrast.engine.randomness import generator
from contrast.testing.battery import battery
from contrast_meow import save_graph


def tiny_graph(folder: Path) -> list[str]:
    """20 films and 8 people, written as a user would write them."""
    graph = HeteroData()
    graph["film"].x = (torch.rand(20, 6, generator=generator("x")) < 0.5).float()
    graph["film"].y = torch.arange(20) % 2
    graph["person"].num_nodes = 8
    edges = (torch.rand(20, 8, generator=generator("edges")) < 0.3).nonzero().T.contiguous()
    graph["film", "rev_liked", "person"].edge_index = edges
    graph["person", "liked", "film"].edge_index = edges.flip(0).contiguous()
    return [f"data.path={save_graph(graph, folder)}"]


SHORT = (
    "data=hetero",
    "data.meta_paths=film>person>film",
    "data.labelled=4",
    "sampler.neighbours=5",
    "sampler.cache=false",
    "evaluation.probe_restarts=2",
    "evaluation.cluster_runs=2",
)
TestMeow = battery("meow", *SHORT, "sampler.clusters=3,5", prepare=tiny_graph)
TestAdaMeow = battery("meow", *SHORT, "method=adameow", prepare=tiny_graph)
TestOfficial = battery(
    "meow", *SHORT, "sampler.clusters=3,5", "reference=official", prepare=tiny_graph
)
