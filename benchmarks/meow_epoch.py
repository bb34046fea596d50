"""An epoch of MEOW on ACM beside a plain formulation of it, one process, one thread.

    OMP_NUM_THREADS=1 python benchmarks/meow_epoch.py            epochs side by side, and the split
    OMP_NUM_THREADS=1 python benchmarks/meow_epoch.py --memory   peak memory, a process each

The plain formulation is what one would write down first: dense graphs, dense features, N x N
weights as products of one-hot cluster matrices, concentrations in a Python loop, k-means of every
point with every centre in each iteration. Its time split is laid beside that of the official code,
so that it is no straw man. It shares the encoder's parameters; without dropout and on the same
clusters both losses and all gradients must agree. Needs the ACM files: CONTRAST_DATA_DIR, or a
network.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn.functional import dropout, elu, layer_norm, normalize, one_hot, prelu

from contrast.config import resolve
from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.loop import Loop, moment
from contrast.engine.observers import Observer
from contrast.engine.running import build
from contrast.interfaces import Parts
from contrast.primitives.prototypes import fit_together

EPOCHS = 5
OFFICIAL = {"loss": 0.60, "k-means": 0.32, "graphs": 0.40, "contexts": 0.09, "backward": 0.76}
OFFICIAL_EPOCH = 2.2


@dataclass
class Split:
    """CPU seconds by part, of one epoch."""

    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Count the block."""
        started = process_time()
        yield
        self.spent[name] += process_time() - started


class Plain:
    """The plain formulation over an encoder's parameters."""

    def __init__(self, parts: Parts) -> None:
        batch, encoder = parts.sampler.batch, parts.encoder
        self.encoder, self.sampler, self.objective = encoder, parts.sampler, parts.objective
        self.features = [
            written(x, layer.in_features)
            for x, layer in zip(batch.features, (*encoder.targets, *encoder.others), strict=True)
        ]
        self.masked = batch.masked[0].matrix  # sparse in the official code too
        N = len(self.features[0])
        self.graphs = [written(graph, N) for graph in batch.graphs]
        self.masked_graphs = [written(graph, N) for graph in batch.masked_graphs]
        self.coarse = torch.stack(self.graphs).mean(0)
        self.contexts = [steps[0].matrix.to_sparse_coo() for steps in batch.contexts]
        self.rate = encoder.dropout

    def loss(self, split: Split, clusters: tuple | None = None) -> Tensor:
        """One forward pass; clusters are looked for where none are given."""
        encoder = self.encoder
        with split.of("contexts"):
            layers = (*encoder.targets, *encoder.others)
            pairs = list(zip(self.features, layers, strict=True))
            target, *others = [elu(self.drop(layer(x))) for x, layer in pairs]
            layer = encoder.targets[0]
            masked = elu(self.drop(torch.sparse.mm(self.masked, layer.weight.T) + layer.bias))
            mixed = []
            for mean, other, transform in zip(self.contexts, others, encoder.context, strict=True):
                context = transform[0](torch.sparse.mm(mean, other))
                mixed += [elu(h + self.drop(context)) for h in (target, masked)]
        with split.of("graphs"):
            coarse = self.network(target, self.coarse)
            pairs = zip(self.graphs, self.masked_graphs, strict=True)
            graphs = [graph for pair in pairs for graph in pair]
            views = [self.network(h, graph) for h, graph in zip(mixed, graphs, strict=True)]
        with split.of("rest"):
            z = self.attend([normalize(view, dim=1) for view in views])
            a, f = (normalize(torch.tanh(encoder.head(each)), dim=1) for each in (coarse, z))
        with split.of("k-means"):
            clusters = clusters or self.cluster(f.detach())
        with split.of("loss"):
            return self.contrast(a, f, clusters)

    def drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.encoder.training)

    def network(self, x: Tensor, graph: Tensor) -> Tensor:
        gcn = self.encoder.gcn
        x = prelu(graph @ self.drop(x @ gcn.first), gcn.slope)
        x = graph @ self.drop(x @ gcn.second)
        return layer_norm(x, x.shape)

    def attend(self, views: list[Tensor]) -> Tensor:
        attention = self.encoder.attention
        query = self.drop(attention.query)
        scores = [torch.tanh(attention.transform(view)).mean(0) @ query.T for view in views]
        shares = torch.cat(scores).softmax(0)
        return sum(share * view for share, view in zip(shares, views, strict=True))

    def cluster(self, x: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Ids, unit centres and concentrations of every clustering."""
        found = [self.fit(x, starts) for starts in self.sampler.starts]
        return tuple(map(list, zip(*found, strict=True)))

    def fit(self, x: Tensor, starts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Ids, unit centres and concentrations of one clustering."""
        begin = x[self.sampler.by_rank[starts]]
        fits = zip(*fit_together(x, begin, self.sampler.iterations, "inner"), strict=True)
        centres, ids, closeness = max(fits, key=lambda found: found[2].sum())
        phi = spread(ids.numpy(), closeness.numpy(), len(centres))
        return ids, normalize(centres, dim=1), phi

    def contrast(self, a: Tensor, f: Tensor, clusters: tuple) -> Tensor:
        tau, N = self.objective.temperature, len(a)
        weight = torch.zeros(N, N)
        for ids, centres in zip(clusters[0], clusters[1], strict=True):
            member = one_hot(ids, len(centres)).float()
            weight += 1 - member @ member.T
        dots = torch.exp(a @ f.T / tau)
        loss = -torch.log(dots.diagonal() / (dots * weight).sum(1)).mean()
        pull = []
        for ids, centres, phi in zip(*clusters, strict=True):
            scores = torch.exp(a @ centres.T / (tau * phi))
            own = scores.gather(1, ids[:, None]).squeeze(1)
            pull.append(-torch.log(own / (scores.sum(1) * N / len(centres))).mean())
        return loss + self.objective.prototype_weight * sum(pull) / len(pull)


def spread(ids: np.ndarray, closeness: np.ndarray, K: int) -> Tensor:
    """Concentrations with mean 1, cluster by cluster."""
    members = [[] for _ in range(K)]
    for k, similarity in zip(ids, closeness, strict=True):
        members[k].append(max(similarity, 0.0))
    phi = np.zeros(K)
    for k, held in enumerate(members):
        if len(held) > 1:
            phi[k] = np.sqrt(held).mean() / np.log(len(held) + 5)
    phi[phi == 0] = phi.max()
    phi = phi.clip(np.percentile(phi, 10), np.percentile(phi, 90))
    return torch.from_numpy(phi / phi.mean()).float()


def written(operator: object, columns: int) -> Tensor:
    """The matrix that an operator multiplies by."""
    return operator @ torch.eye(columns)


def make(words: tuple[str, ...] = ()) -> tuple[Loop, Parts]:
    """Our own loop over the preset of ACM, which writes nothing between its steps."""
    given = ["data=acm", "trainer.checkpoint_every=0", "trainer.threads=1", *words]
    config = resolve("meow", given).config
    (stage,) = config.recipe.stages
    parts = build(stage, config, {}, World())
    folder = RunFolder(Path(tempfile.mkdtemp()))
    return Loop(stage, parts, config, folder, world=World(), observer=Observer()), parts


def ours(loop: Loop) -> Callable[[], None]:
    """One epoch of the engine: draw, forward, clusters, loss, backward, Adam, records."""

    def epoch() -> None:
        end = loop.step + 1
        loop.run(lambda: loop.step >= end)

    return epoch


def theirs(plain: Plain, splits: list[Split]) -> Callable[[], None]:
    """One epoch of the plain formulation."""
    optimizer = torch.optim.Adam(plain.encoder.parameters(), lr=7e-4)

    def epoch() -> None:
        split = Split()
        plain.encoder.train()
        optimizer.zero_grad()
        loss = plain.loss(split)
        with split.of("backward"):
            loss.backward()
        with split.of("rest"):
            optimizer.step()
        splits.append(split)

    return epoch


def agree() -> tuple[float, float]:
    """The relative differences of the loss and of the gradients, without dropout."""
    loop, parts = make(("encoder.dropout=0",))
    at = moment(loop.stage, loop.config, parts, World(), 0)
    form = parts.sampler.relate(parts.encoder(parts.sampler.batch), at)
    loss = sum(parts.objective(form).values())
    parameters = list(parts.encoder.parameters())
    found = torch.autograd.grad(loss, parameters)
    sizes = form.sizes
    clusters = (
        list(form.clusters),
        list(form.prototypes.split(sizes)),
        list(form.concentration.split(sizes)),
    )
    other = Plain(parts).loss(Split(), clusters)
    plain = torch.autograd.grad(other, parameters)
    apart = [((x - y).norm() / y.norm()).item() for x, y in zip(found, plain, strict=True)]
    return (abs(loss - other) / abs(other)).item(), statistics.median(apart)


def cpu_seconds(work: Callable[[], None]) -> float:
    """What one call costs."""
    started = process_time()
    work()
    return process_time() - started


def compare() -> None:
    """Epochs in turn, so that both see the same machine."""
    loss, gradients = agree()
    loop, parts = make()
    splits: list[Split] = []
    pair = ours(loop), theirs(Plain(parts), splits)
    for epoch in pair:
        epoch()
    splits.clear()
    times = [[cpu_seconds(epoch) for epoch in pair] for _ in range(EPOCHS)]
    mine, plain = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(theirs / ours for ours, theirs in times)
    table = Table("part", "plain, s", "share", "official share")
    for name in (*OFFICIAL, "rest"):
        seconds = statistics.median(split.spent[name] for split in splits)
        known = f"{OFFICIAL[name] / OFFICIAL_EPOCH:.0%}" if name in OFFICIAL else ""
        table.add_row(name, f"{seconds:.2f}", f"{seconds / plain:.0%}", known)
    Console().print(table)
    print(f"epoch: plain {plain:.2f} s, ours {mine:.2f} s, ratio {ratio:.2f}")
    print(
        f"without dropout, same clusters: loss differs by {loss:.1e}, gradients by {gradients:.1e}"
    )


def peak(which: str) -> None:
    """Two epochs of one of them, and the peak of the process."""
    loop, parts = make()
    at_start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    epoch = ours(loop) if which == "ours" else theirs(Plain(parts), [])
    for _ in range(2):
        epoch()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{which}: peak {peak / 1024:.0f} MiB, of which start-up {at_start / 1024:.0f} MiB")


def main() -> None:
    """Compare, or measure memory."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--memory", action="store_true")
    asked.add_argument("--peak", choices=("ours", "plain"))
    words = asked.parse_args()
    torch.set_num_threads(1)
    if words.peak:
        peak(words.peak)
    elif words.memory:
        for which in ("plain", "ours"):
            subprocess.run([sys.executable, __file__, "--peak", which], check=True)
    else:
        compare()


if __name__ == "__main__":
    main()
