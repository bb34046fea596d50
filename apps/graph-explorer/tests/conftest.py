"""A small finished run of MEOW on a graph of films, and the page over it on a free port."""

import pytest
import torch
from torch_geometric.data import HeteroData

import contrast
import contrast_meow
from contrast.engine.randomness import generator
from contrast.reporting.serving import serve
from contrast_graph_explorer.graph_run import open_run
from contrast_graph_explorer.page import make_page, page_style

TITLES = ["Alien (1979)", "Aliens (1986)", "Fargo (1996)", "The <b>Alien</b> Nation (1988)"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A run folder; film 29 has no neighbour at all."""
    home = tmp_path_factory.mktemp("explorer")
    g = generator("films")
    graph = HeteroData()
    graph["film"].x = (torch.rand(30, 8, generator=g) < 0.5).float()
    graph["film"].y = torch.arange(30) % 3
    graph["film"].ids = [*TITLES, *(f"film {i}" for i in range(4, 30))]
    graph["person"].num_nodes = 12
    linked = torch.rand(30, 12, generator=g) < 0.3
    linked[29] = False
    graph["film", "rev_liked", "person"].edge_index = linked.nonzero().T.contiguous()
    graph["person", "liked", "film"].edge_index = linked.nonzero().T.flip(0).contiguous()
    contrast_meow.save_graph(graph, home / "graph")
    return contrast.run(
        "meow",
        data={"name": "hetero", "path": str(home / "graph"), "meta_paths": "film>person>film"},
        sampler={"neighbours": "5", "clusters": "3", "restarts": 1, "cache": False},
        encoder={"width": 8},
        trainer={"max_epochs": 2},
        evaluation={"probe_restarts": 1, "baseline_restarts": 0, "cluster_runs": 0},
        runs=home / "runs",
    ).folder


@pytest.fixture(scope="session")
def run(folder):
    """The run, opened."""
    return open_run(folder)


@pytest.fixture(scope="session")
def address(run):
    """Where the page over the run is served."""
    page = make_page(run)
    yield serve(page, css=page_style())
    page.close(verbose=False)
