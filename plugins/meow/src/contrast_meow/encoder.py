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
from contrast_meow.operators import AnyOperator, Operator
from contrast_meow.sampler import GraphBatch

# Targets up to which all layers are kept for the backward pass: 25 matrices of (N, width) a view.
KEEP_UP_TO = 20_000


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
        targets = [self.inputs(batch.features[0], project) for project in self.targets]
        mean = sum(targets[1:], targets[0]) / len(targets)
        z = self.fine(batch, targets)
        a, f = self.view(self.lean(self.gcn, mean, batch.coarse)), self.view(z)
        return Graph(torch.stack([a, f]), ids=torch.arange(len(a), device=a.device), embedding=z)

    def embed(self, batch: GraphBatch) -> dict[str, Tensor]:
        """The embedding for downstream use."""
        targets = [self.inputs(batch.features[0], project) for project in self.targets]
        return {"z": self.fine(batch, targets)}

    def inputs(self, features: Operator, project: nn.Linear, *, drop: bool = True) -> Tensor:
        """H = ELU(Drop(X W + b)), (n, width)."""
        x = features @ project.weight.T + project.bias
        return elu(self.drop(x) if drop else x)

    def fine(self, batch: GraphBatch, targets: list[Tensor]) -> Tensor:
        """z: each meta-path's graph, and its masked one, with contexts; joined by attention."""
        pairs = zip(batch.masked, self.targets, strict=True)
        masked = [self.inputs(x, project, drop=self.drop_masked) for x, project in pairs]
        others = [self.inputs(*pair) for pair in zip(batch.features[1:], self.others, strict=True)]
        views = []
        for p, graphs in enumerate(zip(batch.graphs, batch.masked_graphs, strict=True)):
            own = min(p, len(targets) - 1)
            contexts = self.contexts(batch, [targets[own], *others], p)
            for h, context, graph in zip(
                (targets[own], masked[own]), contexts, graphs, strict=True
            ):
                views.append(self.lean(self.refined, h, context, graph))
        return self.attention(torch.stack(views))

    def refined(self, h: Tensor, context: Tensor, graph: AnyOperator) -> Tensor:
        """One fine view, (N, width), rows of length 1."""
        return normalize(self.gcn(elu(h + context), graph), dim=1)

    def lean(self, work: Callable[..., Tensor], *given: Any) -> Tensor:
        """work(*given); on a large graph it is done once more in the backward pass, not kept."""
        if len(given[0]) <= KEEP_UP_TO:
            return work(*given)
        return checkpoint(work, *given, use_reentrant=False)

    def contexts(self, batch: GraphBatch, nodes: list[Tensor], p: int) -> tuple[Tensor, Tensor]:
        """agg_P = sum over the steps of Drop(mean of the neighbours' H, times U), (N, width).

        One for the targets and one, of other dropout, for the masked ones.
        """
        passed = zip(self.steps[p], batch.contexts[p], self.context[p], strict=True)
        means = [
            transform(mean @ nodes[self.types.index(step)]) for step, mean, transform in passed
        ]
        plain = sum(map(self.drop, means))
        return plain, sum(map(self.drop, means)) if self.drop_masked else plain

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

    Shapes:  views: (V, N, D);  returns (N, D).
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.transform = nn.Linear(width, width)
        self.query = nn.Parameter(torch.empty(1, width))
        nn.init.xavier_normal_(self.transform.weight, gain=1.414)
        nn.init.xavier_normal_(self.query, gain=1.414)
        self.dropout = dropout

    def forward(self, views: Tensor) -> Tensor:
        """The views' weighted mean."""
        return torch.einsum("v,vnd->nd", self.weights(views), views)

    def weights(self, views: Tensor) -> Tensor:
        """beta, (V,), one weight a view, summing to 1."""
        query = dropout(self.query, self.dropout, self.training).squeeze(0)
        return (torch.tanh(self.transform(views)).mean(1) @ query).softmax(0)
