"""The core's objectives on one page: settings, form read, needs and cost. Imports no torch.

Any recipe whose form fits may choose one by name, `objective=infonce`.
"""

from __future__ import annotations

from dataclasses import dataclass

from contrast.forms import Pairs
from contrast.recipe import ObjectivePart, Settings, setting


@dataclass(frozen=True)
class InfoNCEConfig(Settings):
    """Settings of InfoNCE."""

    temperature: float = setting(0.1, "divides the cosine similarity", above=0)


INFONCE = ObjectivePart(
    name="infonce",
    config=InfoNCEConfig,
    build="contrast.objectives.infonce:InfoNCE",
    summary="softmax of each anchor over all candidates, one way",
    paper="https://arxiv.org/abs/1807.03748",
    reads=Pairs,
    cost="O(N M D) time, O(N M) memory",
)

CATALOGUE: tuple[ObjectivePart, ...] = (INFONCE,)
