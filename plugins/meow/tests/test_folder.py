import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch_geometric.data import HeteroData

import contrast_meow
from contrast.errors import DataError
from contrast_meow.folder import load_graph, save_graph


def test_saved_graph_comes_back_equal(graph, tmp_path):
    graph["film"].train_mask = torch.arange(30) < 10
    graph["topic"].x = graph["topic"].x.to_sparse_csr()
    back = load_graph(contrast_meow.save_graph(graph, tmp_path / "graph"))
    assert back.node_types == graph.node_types
    assert back.edge_types == graph.edge_types
    assert back["film"].ids == graph["film"].ids
    assert back["person"].num_nodes == 12
    for name in ("x", "y", "train_mask"):
        assert torch.equal(back["film"][name], graph["film"][name])
    assert torch.equal(back["topic"].x.to_dense(), graph["topic"].x.to_dense())
    for edge_type in graph.edge_types:
        assert torch.equal(back[edge_type].edge_index, graph[edge_type].edge_index)


def test_a_graph_whose_tensors_share_memory_is_saved(graph, tmp_path):
    graph["person", "knows", "film"].edge_index = graph["person", "liked", "film"].edge_index
    graph["film"].train_mask = graph["film"].val_mask = torch.arange(30) < 10
    back = load_graph(save_graph(graph, tmp_path / "graph"))
    assert torch.equal(
        back["person", "knows", "film"].edge_index, back["person", "liked", "film"].edge_index
    )
    assert back["film"].val_mask.sum() == 10


def test_pickle_is_refused_with_the_way_to_write_a_folder(tmp_path):
    torch.save({}, tmp_path / "graph.pt")
    with pytest.raises(DataError, match=r"pickle(.|\n)*save_graph") as e:
        load_graph(tmp_path / "graph.pt")
    assert str(e.value).count("\n") == 1


def test_folder_without_a_graph_says_what_it_should_hold(tmp_path):
    with pytest.raises(DataError, match=r"graph.json and graph.safetensors(.|\n)*save_graph"):
        load_graph(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "graph.json").write_text("{"),
        lambda folder: (folder / "graph.json").write_text("[]"),
        lambda folder: (folder / "graph.json").write_text('{"format": "other"}'),
        lambda folder: (folder / "graph.safetensors").write_bytes(b"0123456789"),
        lambda folder: save_file({}, folder / "graph.safetensors"),
    ],
)
def test_damaged_folder_is_named(graph, tmp_path, damage):
    damage(save_graph(graph, tmp_path))
    with pytest.raises(DataError, match=r"damaged"):
        load_graph(tmp_path)


def change(graph, **values):
    for name, value in values.items():
        graph["film"][name] = value
    return graph


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"x": torch.full((30, 2), torch.nan)}, "NaN"),
        ({"x": torch.ones(29, 2)}, "29 rows for 30 nodes|30 rows for 29"),
        ({"x": torch.ones(30)}, r"\(nodes, features\)"),
        ({"y": torch.ones(30)}, "whole number"),
        ({"y": torch.ones(30, 2, dtype=torch.int64)}, "whole number"),
        ({"ids": ["a"]}, "1 rows for 30"),
        ({"ids": ["a"] * 30}, "each only once"),
        ({"ids": [0.5, *range(29)]}, "texts or whole numbers.*got float"),
        ({"ids": np.arange(30)}, r"got int64 .*\.tolist\(\)"),
        ({"ids": torch.arange(30)}, "got Tensor"),
        ({"train_mask": torch.ones(30, 3, dtype=torch.bool)}, r"true or false.*\(30, 3\)"),
        ({"test_mask": torch.arange(30)}, "true or false"),
    ],
)
def test_unfit_node_data_is_refused(graph, tmp_path, values, message):
    graph["film"].num_nodes = 30
    with pytest.raises(DataError, match=message):
        save_graph(change(graph, **values), tmp_path)


def test_edge_to_a_node_that_does_not_exist_is_refused(graph, tmp_path):
    graph["person", "liked", "film"].edge_index = torch.tensor([[0], [30]])
    with pytest.raises(DataError, match="person>liked>film"):
        save_graph(graph, tmp_path)


def test_tampered_edges_are_found_when_read(graph, tmp_path):
    save_graph(graph, tmp_path)
    tensors = load_file(tmp_path / "graph.safetensors")
    save_file(tensors | {"edges.0": torch.tensor([[0], [-1]])}, tmp_path / "graph.safetensors")
    with pytest.raises(DataError, match="does not exist"):
        load_graph(tmp_path)


def test_only_a_hetero_data_is_saved(tmp_path):
    with pytest.raises(TypeError, match="HeteroData"):
        save_graph({}, tmp_path)


def test_outline_is_readable_by_people(graph, tmp_path):
    outline = json.loads((save_graph(graph, tmp_path) / "graph.json").read_text())
    assert outline["nodes"]["person"] == {"count": 12, "ids": None}
    assert ["person", "liked", "film"] in outline["edges"]


def papers():
    graph = HeteroData()
    graph["paper"].x = torch.ones(4, 2)
    graph["author"].num_nodes = 3
    graph["author", "wrote", "paper"].edge_index = torch.tensor([[0, 1], [2, 3]])
    return graph


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("x", [[1.0, 2.0]] * 4, "`x` of `paper` must be a tensor .* got a list"),
        ("y", np.zeros(4, int), "`y` of `paper` must be a tensor .* got a ndarray"),
        ("y", torch.tensor(1), "got a single number"),
        ("y", torch.ones(4, dtype=torch.int64).to_sparse(), "`y` of `paper` must be dense"),
        ("train_mask", np.ones(4, bool), "`train_mask` of `paper` must be a tensor"),
        ("x", torch.ones(4, 2, 2).to_sparse(1), "`x` of `paper` must be dense"),
        ("x", torch.ones(4, 2, dtype=torch.complex64), "must be real numbers"),
        ("ids", [2**70, 1, 2, 3], "more than 64 bits"),
    ],
)
def test_what_is_no_tensor_of_its_kind_is_refused(name, value, said, tmp_path):
    graph = papers()
    graph["paper"][name] = value
    with pytest.raises(DataError, match=said):
        save_graph(graph, tmp_path / "g")


def test_a_type_that_only_a_relation_names_is_refused(tmp_path):
    graph = papers()
    del graph["author"]
    graph["author", "wrote", "paper"].edge_index = torch.tensor([[0, 1], [2, 3]])
    with pytest.raises(DataError, match="node type `author` has no nodes"):
        save_graph(graph, tmp_path / "g")
