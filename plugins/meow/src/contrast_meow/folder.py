"""Your own graph as a folder: a `HeteroData` in safetensors and JSON, nothing pickled.

contrast_meow.save_graph(hetero_data, "graph/")
contrast run plugin=meow data=hetero data.path=graph/ data.target=... data.meta_paths=...
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch_geometric.data import HeteroData

from contrast.errors import DataError

FORMAT = "contrast-meow graph 1"
OUTLINE, TENSORS = "graph.json", "graph.safetensors"
MASKS = ("train_mask", "val_mask", "test_mask")
NODE_TENSORS = ("x", "y", *MASKS)
ADVICE = (
    "Write it as a folder in Python: `contrast_meow.save_graph(hetero_data, 'graph/')`, "
    "then data.path=graph/"
)


def save_graph(graph: HeteroData, folder: str | Path) -> Path:
    """Write a graph as `graph.json` and `graph.safetensors`; gives the folder.

    Kept are each node type's number of nodes, `x` (dense or sparse), `y`, `train_mask`,
    `val_mask`, `test_mask` and `ids` (texts or whole numbers), and each relation's `edge_index`.

    Raises: DataError: the graph is not consistent;  TypeError: it is no `HeteroData`.
    """
    if not isinstance(graph, HeteroData):
        raise TypeError(f"save_graph takes a HeteroData, got a {type(graph).__name__}")
    check_graph(graph)
    outline: dict[str, Any] = {"format": FORMAT, "nodes": {}, "edges": []}
    tensors: dict[str, Tensor] = {}
    for i, node_type in enumerate(graph.node_types):
        node = graph[node_type]
        ids = None if node.get("ids") is None else list(node.ids)
        outline["nodes"][node_type] = {"count": node.num_nodes, "ids": ids}
        for name in NODE_TENSORS:
            if node.get(name) is not None:
                tensors |= packed(f"nodes.{i}.{name}", node[name])
    for i, edge_type in enumerate(graph.edge_types):
        outline["edges"].append(list(edge_type))
        tensors[f"edges.{i}"] = _copied(graph[edge_type].edge_index)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / TENSORS)
    (folder / OUTLINE).write_text(json.dumps(outline, indent=1) + "\n")
    return folder


def load_graph(folder: str | Path) -> HeteroData:
    """The graph that `save_graph` wrote.

    Raises: DataError: a `.pt` file, which would have to be unpickled; no such folder; damage.
    """
    folder = Path(folder)
    if folder.suffix in (".pt", ".pth", ".pkl"):
        raise DataError(f"`{folder}` is a pickle, which can run any code; it is not read\n{ADVICE}")
    if not (folder / OUTLINE).is_file() or not (folder / TENSORS).is_file():
        raise DataError(
            f"`data.path` must be a folder with {OUTLINE} and {TENSORS}, got `{folder}`\n{ADVICE}"
        )
    try:
        outline = json.loads((folder / OUTLINE).read_text())
        tensors = load_file(folder / TENSORS)
        graph = _assemble(outline, tensors)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as cause:
        raise DataError(f"the graph in `{folder}` is damaged: {cause}\n{ADVICE}") from None
    check_graph(graph)
    return graph


def _assemble(outline: dict[str, Any], tensors: dict[str, Tensor]) -> HeteroData:
    if outline["format"] != FORMAT:
        raise ValueError(f"format {outline['format']!r} instead of {FORMAT!r}")
    graph = HeteroData()
    for i, (node_type, held) in enumerate(outline["nodes"].items()):
        graph[node_type].num_nodes = held["count"]
        if held["ids"] is not None:
            graph[node_type].ids = held["ids"]
        for name in NODE_TENSORS:
            if (value := _unpack(f"nodes.{i}.{name}", tensors)) is not None:
                graph[node_type][name] = value
    for i, edge_type in enumerate(outline["edges"]):
        graph[tuple(edge_type)].edge_index = tensors[f"edges.{i}"]
    return graph


def packed(name: str, value: Tensor) -> dict[str, Tensor]:
    """A tensor by its name, contiguous; a sparse one as its places, values and shape."""
    if value.layout == torch.strided:
        return {name: _copied(value)}
    entries = value.detach().cpu().to_sparse_coo().coalesce()
    shape = torch.tensor(value.shape)
    parts = {"indices": entries.indices(), "values": entries.values(), "shape": shape}
    return {f"{name}.{part}": held.contiguous() for part, held in parts.items()}


def _copied(value: Tensor) -> Tensor:
    """The tensor in memory of its own, since safetensors takes none that is shared."""
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _unpack(name: str, tensors: dict[str, Tensor]) -> Tensor | None:
    if f"{name}.shape" not in tensors:
        return tensors.get(name)
    indices, values, shape = (tensors[f"{name}.{part}"] for part in ("indices", "values", "shape"))
    return torch.sparse_coo_tensor(
        indices, values, size=tuple(shape.tolist()), check_invariants=True
    )


def check_graph(graph: HeteroData) -> None:
    """Raises: DataError: a tensor that is not one row a node or unfit, or edges out of range."""
    for node_type, node in graph.node_items():
        for name in NODE_TENSORS:
            _check_tensor(f"`{name}` of `{node_type}`", node.get(name), sparse=name == "x")
    ends = (end for source, _, end in graph.edge_types for end in (source, end))
    for node_type in dict.fromkeys((*graph.node_types, *ends)):
        if node_type not in graph.node_types or not graph[node_type].num_nodes:
            raise DataError(f"node type `{node_type}` has no nodes, or does not say how many")
        node, N = graph[node_type], graph[node_type].num_nodes
        if not isinstance(N, int):
            raise DataError(f"`num_nodes` of `{node_type}` must be a whole number, got {N!r}")
        for name in (*NODE_TENSORS, "ids"):
            value = node.get(name)
            if value is not None and len(value) != N:
                raise DataError(f"`{name}` of `{node_type}` has {len(value)} rows for {N} nodes")
        _check_ids(node_type, node.get("ids"))
        _check_features(node_type, node.get("x"))
        _check_labels(node_type, node.get("y"))
        for name in MASKS:
            _check_mask(f"`{name}` of `{node_type}`", node.get(name))
    for source, relation, end in graph.edge_types:
        edges = graph[source, relation, end].get("edge_index")
        name = f"relation `{source}>{relation}>{end}`"
        _check_tensor(f"`edge_index` of {name}", edges)
        if edges is None or edges.ndim != 2 or len(edges) != 2 or edges.dtype != torch.int64:
            raise DataError(f"{name} needs an `edge_index` of shape (2, E), int64")
        sizes = torch.tensor([[graph[source].num_nodes], [graph[end].num_nodes]])
        if ((edges < 0) | (edges >= sizes)).any():
            raise DataError(
                f"{name} names a node that does not exist: "
                f"indices go up to {edges.amax(1).tolist()}, nodes are {sizes.flatten().tolist()}"
            )


def _check_tensor(name: str, value: Any, *, sparse: bool = False) -> None:
    if value is None:
        return
    if not isinstance(value, Tensor) or not value.ndim:
        kind = "a single number" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise DataError(f"{name} must be a tensor with a row a node or edge, got {kind}")
    if value.layout != torch.strided and (not sparse or value.dense_dim()):
        raise DataError(f"{name} must be dense, got {value.layout}")


def _check_ids(node_type: str, ids: Sequence[int | str] | None) -> None:
    if ids is None:
        return
    kinds = {type(each) for each in ids}
    if not kinds <= {int, str}:
        other = sorted(kind.__name__ for kind in kinds - {int, str})[0]
        raise DataError(
            f"`ids` of `{node_type}` must be texts or whole numbers of Python, got {other} "
            "(an array gives them by `.tolist()`)"
        )
    if any(isinstance(each, int) and not -(2**63) <= each < 2**63 for each in ids):
        raise DataError(
            f"`ids` of `{node_type}` hold a number of more than 64 bits; give them as texts"
        )
    if len(set(ids)) < len(ids):
        raise DataError(f"`ids` of `{node_type}` must be given each only once")


def _check_features(node_type: str, x: Tensor | None) -> None:
    if x is None:
        return
    if x.is_complex():
        raise DataError(f"`x` of `{node_type}` must be real numbers, got {x.dtype}")
    if x.ndim != 2 or x.shape[1] == 0:
        raise DataError(f"`x` of `{node_type}` must be (nodes, features), got {tuple(x.shape)}")
    values = x if x.layout == torch.strided else x.to_sparse_coo().coalesce().values()
    if not values.isfinite().all():
        raise DataError(f"`x` of `{node_type}` holds NaN or infinity")


def _check_labels(node_type: str, y: Tensor | None) -> None:
    if y is not None and (y.ndim != 1 or y.dtype not in (torch.int64, torch.int32)):
        raise DataError(
            f"`y` of `{node_type}` must be one whole number a node (negative: unknown), "
            f"got {y.dtype} of shape {tuple(y.shape)}"
        )


def _check_mask(name: str, mask: Tensor | None) -> None:
    if mask is not None and (mask.ndim != 1 or not ((mask == 0) | (mask == 1)).all()):
        raise DataError(
            f"{name} must be true or false for each node, "
            f"got {mask.dtype} of shape {tuple(mask.shape)}"
        )
