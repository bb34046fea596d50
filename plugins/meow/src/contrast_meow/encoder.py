"""MEOW's encoder: a coarse and a fine-grained view of every target node (arXiv:2212.13847).

One graph network, shared by all views, runs over the mean of the meta-path graphs (coarse) and
over each of them with its context mixed in (fine); attention joins the fine ones. Its layer norm
takes the whole N x d matrix at once, so a node's embedding depends on all nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, elu, layer_norm, normalize, prelu
from torch.utils.checkpoint import checkpoint

from contrast_meow.form import Graph
from contrast_meow.memory import KEEP_UP_TO
from contrast_meow.operators import AnyOperator, Operator
from contrast_meow.sampler import GraphBatch


class MeowEncoder(nn.Module):
    """From the whole graph to the views a and f, and to the embedding z behind f.

    Shapes:  reads a `GraphBatch` of N targets;  gives `Graph` with z (2, N, projection), rows of
    length 1;  `embed` gives z (N, width), the attention's mean of rows of length 1.
    `features` is the number of features of each type, the target first; `steps` the types that
    each meta-path passes; with `per_path` the target has an input projection for each meta-path,
    and their mean in the coarse view: `MeowEncoder(**data.sizes())`.
    With `drop_masked=False` the masked targets draw no dropout of their own, as the official code
    has it on DBLP: none on their input, and in their context that of the unmasked.
    """

    mixes_rows = True

    def __init__(
        self,
        features: Mapping[str, int],
        steps: Sequence[Sequence[str]],
        per_path: bool = False,
        width: int = 64,
        projection: int = 64,
        dropout: float = 0.2,
        drop_masked: bool = True,
    ) -> None:
        super().__init__()
        self.types, self.steps, self.dropout = list(features), steps, dropout
        self.drop_masked = drop_masked
        target, *others = features.values()
        heads = len(steps) if per_path else 1
        self.targets = nn.ModuleList(nn.Linear(target, width) for _ in range(heads))
        self.others = nn.ModuleList(nn.Linear(count, width) for count in others)
        self.context = nn.ModuleList(
            nn.ModuleList(nn.Linear(width, width, bias=False) for _ in path) for path in steps
        )
        self.gcn = GraphNetwork(width, width, dropout)
        self.attention = ViewAttention(width, dropout)
        self.head = nn.Linear(width, projection)

    def forward(self, batch: GraphBatch) -> Graph:
        """The two views: a from the coarse graph, f from the fine-grained ones."""
        targets = self.projected(batch)
        mean = sum(targets[1:], targets[0]) / len(targets)
        z = self.fine(batch, targets)
        a, f = self.view(lean(self.gcn, mean, batch.coarse)), self.view(z)
        return Graph(torch.stack([a, f]), ids=torch.arange(len(a), device=a.device), embedding=z)

    def embed(self, batch: GraphBatch) -> dict[str, Tensor]:
        """The embedding for downstream use."""
        return {"z": self.fine(batch, self.projected(batch))}

    def projected(self, batch: GraphBatch) -> list[Tensor]:
        """H of the targets, one for each of their projections."""
        return [lean(self.inputs, batch.features[0], project) for project in self.targets]

    def inputs(self, features: Operator, project: nn.Linear, *, drop: bool = True) -> Tensor:
        """H = ELU(Drop(X W + b)), (n, width)."""
        x = features @ project.weight.T + project.bias
        return elu(self.drop(x) if drop else x)

    def fine(self, batch: GraphBatch, targets: list[Tensor]) -> Tensor:
        """z: each meta-path's graph, and its masked one, with contexts; joined by attention."""
        pairs = zip(batch.masked, self.targets, strict=True)
        masked = [lean(self.inputs, *pair, drop=self.drop_masked) for pair in pairs]
        others = zip(batch.features[1:], self.others, strict=True)
        others = [lean(self.inputs, *pair) for pair in others]
        views = []
        for p, graphs in enumerate(zip(batch.graphs, batch.masked_graphs, strict=True)):
            own = min(p, len(targets) - 1)
            steps = self.steps_of(batch, [targets[own], *others], p)
            if not self.drop_masked:  # one context for both
                steps = [self.context_of(steps)]
            for h, graph in zip((targets[own], masked[own]), graphs, strict=True):
                views.append(lean(self.refined, h, graph, steps))
        return self.attention(views)

    def refined(self, h: Tensor, graph: AnyOperator, steps: list[Tensor]) -> Tensor:
        """One fine view, (N, width), rows of length 1."""
        context = self.context_of(steps) if self.drop_masked else steps[0]
        return normalize(self.gcn(elu(h + context), graph), dim=1)

    def steps_of(self, batch: GraphBatch, nodes: list[Tensor], p: int) -> list[Tensor]:
        """What each step of a path tells: mean of the neighbours' H, times U, (N, width)."""
        passed = zip(self.steps[p], batch.contexts[p], self.context[p], strict=True)
        return [transform(mean @ nodes[self.types.index(step)]) for step, mean, transform in passed]

    def context_of(self, steps: list[Tensor]) -> Tensor:
        """agg_P, the sum over the steps, each after dropout."""
        return sum(map(self.drop, steps))

    def view(self, z: Tensor) -> Tensor:
        """g(z) = normalise(tanh(W z + b)), shared by both views."""
        return normalize(torch.tanh(self.head(z)), dim=1)

    def drop(self, x: Tensor) -> Tensor:
        """Dropout while training."""
        return dropout(x, self.dropout, self.training)


class GraphNetwork(nn.Module):
    """G(H, A) = LN( A Drop( PReLU( A Drop(H V1) ) V2 ) ), LN over the whole matrix at once.

    Shapes:  H: (N, F);  A: (N, N);  returns (N, width).
    """

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        bound = width**-0.5
        self.first = nn.Parameter(torch.empty(features, width).uniform_(-bound, bound))
        self.second = nn.Parameter(torch.empty(width, width).uniform_(-bound, bound))
        self.slope = nn.Parameter(torch.tensor([0.25]))
        self.dropout = dropout

    def forward(self, x: Tensor, graph: Operator) -> Tensor:
        """Two hops over the graph."""
        x = prelu(graph @ dropout(x @ self.first, self.dropout, self.training), self.slope)
        x = graph @ dropout(x @ self.second, self.dropout, self.training)
        return layer_norm(x, x.shape, eps=1e-5)


class ViewAttention(nn.Module):
    """z = sum_v beta_v Z_v with beta = softmax_v( Drop(q) . mean_i tanh(W z_vi + b) ).

    Shapes:  views: V of (N, D);  returns (N, D).
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.query = nn.Parameter(torch.empty(1, width))
        nn.init.xavier_normal_(self.transform.weight, gain=1.414)
        nn.init.xavier_normal_(self.query, gain=1.414)
        self.dropout = dropout

    def forward(self, views: Sequence[Tensor]) -> Tensor:
        """The views' weighted mean."""
        pairs = zip(self.weights(views), views, strict=True)
        return sum(beta * view for beta, view in pairs)

    def weights(self, views: Sequence[Tensor]) -> Tensor:
        """beta, (V,), one weight a view, summing to 1."""
        query = dropout(self.query, self.dropout, self.training).squeeze(0)
        return torch.stack([lean(self.summary, view) @ query for view in views]).softmax(0)

    def summary(self, view: Tensor) -> Tensor:
        """mean_i tanh(W z_i + b), (D,)."""
        return torch.tanh(self.transform(view)).mean(0)


def lean(work: Callable[..., Tensor], *given: Any, **named: Any) -> Tensor:
    """work(*given); on a large graph it is done once more in the backward pass, not kept."""
    if len(given[0]) <= KEEP_UP_TO:
        return work(*given, **named)
    return checkpoint(work, *given, use_reentrant=False, **named)
