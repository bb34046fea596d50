"""MEOW: heterogeneous graph contrastive learning (arXiv:2212.13847).

contrast_meow.save_graph(hetero_data, "graph/")   your own `HeteroData`, as a safe folder
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrast_meow.folder import load_graph, save_graph

__all__ = ["load_graph", "save_graph"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from contrast_meow import folder

        return getattr(folder, name)
    raise AttributeError(f"module `contrast_meow` has no attribute `{name}`")
