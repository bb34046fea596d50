"""The form that MEOW's encoder gives: two views of every node, and their clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrast.forms import Views, over

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Graph(Views):
    """The coarse view a (z[0]) and the fine-grained view f (z[1]) of N target nodes.

    `embedding` is z behind f, (N, width): what users get.
    The rest is set by the sampler's `relate`, detached, for C clusterings of f with K_1..K_C
    clusters; the tensors over clusters hold one clustering after the other, K = K_1 + ... + K_C.

    Shapes:  clusters: (C, N) integer, ids from 0 in each clustering;  prototypes: (K, D) centres
    of length 1;  concentration: (K,) spread of each cluster, mean 1 in each clustering;
    sizes: (K_1, ..., K_C).
    """

    embedding: Tensor | None = over(0, default=None)
    clusters: Tensor | None = over(1, default=None)
    prototypes: Tensor | None = over(None, default=None)
    concentration: Tensor | None = over(None, default=None)
    sizes: tuple[int, ...] = ()
