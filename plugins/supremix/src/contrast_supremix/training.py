"""Pre-training and regression of S members in step: seeds, folds and methods side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss
from torch.optim import Adam

from contrast.engine.randomness import generator
from contrast_supremix.kinds import KINDS
from contrast_supremix.network import Members, joined
from contrast_supremix.sampler import batch_count
from contrast_supremix.scaling import TargetScale
from contrast_supremix.split import Split

Loss = Literal["l1", "mse", "huber"]
Contrast = Callable[[Tensor, Tensor, Tensor], Tensor]  # z, labels, targets -> (S,)
PROBE_STEPS = 20  # of an epoch at most: a linear head needs no more, a large table larger batches
SWEEP = 2048  # samples of each member at once when nothing is learnt
LAST_PART, DROP = 0.8, 0.1  # the learning rate falls to a tenth in the last fifth


@dataclass(frozen=True)
class Budget:
    """How long and how fast; the published recipe for tables."""

    pretrain_epochs: int = 50
    tune_epochs: int = 50
    probe_epochs: int = 100
    batch_size: int = 64
    lr: float = 1e-3
    probe_lr: float = 1e-2
    width: int = 128

    @property
    def whole(self) -> int:
        """The supervised epochs of a network that is not pre-trained."""
        return self.pretrain_epochs + self.tune_epochs


@dataclass(frozen=True)
class Stack:
    """The data of S members, of K splits: member i is of split i mod K.

    Shapes:  x: (K, N, ...), or (1, N, ...) where all splits have the same;  y: (K, N)
    standardised;  labels: (K, N) label units;  train: (S, n), valid: (S, v) row numbers;
    seeds, scales: S.
    """

    x: Tensor
    y: Tensor
    labels: Tensor
    train: Tensor
    valid: Tensor
    seeds: tuple[int, ...]
    scales: tuple[TargetScale, ...]
    kind: str = "table"

    @classmethod
    def of(
        cls,
        x: np.ndarray,
        y: np.ndarray,
        splits: Sequence[Split],
        seeds: Sequence[int],
        kind: str = "table",
    ) -> Stack:
        """Each split scaled by its own training rows. Where parts differ by a few rows in length
        the longer ones lose their last, so that members keep in step."""
        own = KINDS[kind]
        n, v = (min(len(getattr(s, part)) for s in splits) for part in ("train", "valid"))
        scales = tuple(TargetScale.of(y[split.train]) for split in splits)
        numbers = [own.scaling(x, split.train)(x) for split in splits[: 1 if own.fixed else None]]

        def tensor(values: list[np.ndarray]) -> Tensor:
            return torch.from_numpy(np.stack(values)).float()

        return cls(
            torch.from_numpy(np.stack(numbers)),
            tensor([scale.standardised(y) for scale in scales]),
            tensor([scale.labels(y) for scale in scales]),
            torch.from_numpy(np.stack([_some(split.train, n) for split in splits])),
            torch.from_numpy(np.stack([_some(split.valid, v) for split in splits])),
            tuple(seeds),
            scales,
            kind,
        )

    def __len__(self) -> int:
        return len(self.seeds)

    def times(self, k: int) -> Stack:
        """The members k times over; their data are held once."""
        return replace(
            self,
            train=self.train.repeat(k, 1),
            valid=self.valid.repeat(k, 1),
            seeds=self.seeds * k,
            scales=self.scales * k,
        )


def _some(rows: np.ndarray, n: int) -> np.ndarray:
    """n of the rows, spread over all of them."""
    return rows[np.linspace(0, len(rows) - 1, n).round().astype(int)]


def network(stack: Stack, width: int, purpose: str) -> nn.Module:
    """Untrained features for every member, from its seed."""
    made = [generator(seed, "init", purpose) for seed in stack.seeds]
    return KINDS[stack.kind].network(stack.x.shape[2:], width, made)


@torch.enable_grad()  # also within an evaluation
def pretrain(stack: Stack, contrast: Contrast, budget: Budget, purpose: str) -> nn.Module:
    """Features ordered by the contrast; the projector is thrown away."""
    net = network(stack, budget.width, purpose)
    made = [generator(seed, "projector", purpose) for seed in stack.seeds]
    projector = Members([budget.width, budget.width], made)
    parameters = [*net.parameters(), *projector.parameters()]
    optimizer = Adam(parameters, lr=budget.lr, fused=True)
    for epoch in range(budget.pretrain_epochs):
        _set_rate(optimizer, budget.lr, epoch, budget.pretrain_epochs)
        for rows in batches(stack, budget.batch_size, epoch, purpose):
            x, y = take(stack.x, rows), take(stack.labels, rows)
            _descend(optimizer, contrast(projector(net(x)), y.round(), y).sum())
    return net


@dataclass(frozen=True)
class Fitted:
    """What S regressors say.

    Shapes:  predicted: (S, N) standardised;  valid_mae: (S,) standardised;  net, head: trained;
    centre: mean and deviation of the features before the head, (S, 1, D) each, or 0 and 1.
    """

    predicted: Tensor
    valid_mae: Tensor
    net: nn.Module
    head: Members
    centre: tuple[Tensor | float, Tensor | float] = (0.0, 1.0)


@torch.enable_grad()  # also within an evaluation
def tune(
    stack: Stack, net: nn.Module, losses: Sequence[Loss], epochs: int, budget: Budget, purpose: str
) -> Fitted:
    """Features and a linear head trained together; the epoch of least validation MAE stays.

    `losses` has one for each member.
    """
    net = joined([net])
    head = _head(stack, budget.width, purpose)
    parameters = [*net.parameters(), *head.parameters()]
    optimizer = Adam(parameters, lr=budget.lr, fused=True)
    best = _Best(parameters, len(stack))
    asked, true = take(stack.x, stack.valid), take(stack.y, stack.valid)

    @torch.no_grad()
    def judge() -> None:
        best.take(_mae(head(net(asked))[..., 0], true))

    for epoch in range(epochs):
        _set_rate(optimizer, budget.lr, epoch, epochs)
        for rows in batches(stack, budget.batch_size, epoch, f"tune {purpose}"):
            errors = head(net(take(stack.x, rows)))[..., 0], take(stack.y, rows)
            _descend(optimizer, _loss(*errors, losses))
        judge()
    if not epochs:
        judge()
    best.restore()
    with torch.no_grad():
        return Fitted(head(features(stack, net))[..., 0], best.error, net, head)


@torch.enable_grad()  # also within an evaluation
def probe(stack: Stack, net: nn.Module, budget: Budget, purpose: str) -> Fitted:
    """A linear head with the L1 loss on frozen standardised features."""
    z = features(stack, net)
    seen = take(z, stack.train)
    mean = seen.mean(1, keepdim=True)
    std = seen.std(1, correction=0, keepdim=True).clamp(min=1e-6)
    z = (z - mean) / std
    asked, true = take(z, stack.valid), take(stack.y, stack.valid)
    head = _head(stack, budget.width, purpose)
    parameters = list(head.parameters())
    optimizer = Adam(parameters, lr=budget.probe_lr, fused=True)
    best = _Best(parameters, len(stack))
    size = max(budget.batch_size, stack.train.shape[1] // PROBE_STEPS)

    @torch.no_grad()
    def judge() -> None:
        best.take(_mae(head(asked)[..., 0], true))

    for epoch in range(budget.probe_epochs):
        _set_rate(optimizer, budget.probe_lr, epoch, budget.probe_epochs)
        for rows in batches(stack, size, epoch, f"probe {purpose}"):
            found = head(take(z, rows))[..., 0]
            _descend(optimizer, _loss(found, take(stack.y, rows), ["l1"] * len(stack)))
        judge()
    if not budget.probe_epochs:
        judge()
    best.restore()
    with torch.no_grad():
        return Fitted(head(z)[..., 0], best.error, net, head, (mean, std))


def batches(stack: Stack, size: int, epoch: int, purpose: str) -> Iterator[Tensor]:
    """The training rows of each member in an order of its own, (S, B) at a time.

    Batches of an epoch differ by one row at most, so that none is too small to contrast.
    """
    n = stack.train.shape[1]
    orders = [
        torch.randperm(n, generator=generator(seed, "order", purpose, epoch))
        for seed in stack.seeds
    ]
    rows = stack.train.gather(1, torch.stack(orders))
    return iter(rows.tensor_split(batch_count(n, size), 1))


def take(values: Tensor, rows: Tensor) -> Tensor:
    """Rows of each member: (K, N, ...) at (S, B) gives (S, B, ...), member i those of i mod K."""
    splits, count = values.shape[:2]
    place = rows + count * (torch.arange(len(rows)) % splits)[:, None]
    return values.flatten(0, 1).index_select(0, place.flatten()).unflatten(0, rows.shape)


@torch.no_grad()
def features(stack: Stack, net: nn.Module) -> Tensor:
    """What the network makes of all samples, (S, N, D)."""
    rows = torch.arange(stack.x.shape[1]).expand(len(stack), -1)
    return torch.cat([net(take(stack.x, some)) for some in rows.split(SWEEP, 1)], 1)


class _Best:
    """The weights of each member's best epoch."""

    def __init__(self, parameters: Sequence[Tensor], members: int) -> None:
        self.parameters = parameters
        self.kept = [p.detach().clone() for p in parameters]
        self.error = torch.full((members,), torch.inf)

    def take(self, error: Tensor) -> None:
        better = error < self.error
        self.error = torch.where(better, error, self.error)
        for kept, p in zip(self.kept, self.parameters, strict=True):
            own = better.view(-1, *(1 for _ in p.shape[1:]))
            kept.copy_(torch.where(own, p.detach(), kept))

    def restore(self) -> None:
        with torch.no_grad():
            for kept, p in zip(self.kept, self.parameters, strict=True):
                p.copy_(kept)


def _head(stack: Stack, width: int, purpose: str) -> Members:
    return Members([width, 1], [generator(seed, "head", purpose) for seed in stack.seeds])


def _loss(found: Tensor, true: Tensor, losses: Sequence[Loss]) -> Tensor:
    """The members' mean losses, added up; each has its own."""
    kinds = {
        "l1": lambda a, b: (a - b).abs(),
        "mse": lambda a, b: (a - b).square(),
        "huber": lambda a, b: huber_loss(a, b, reduction="none"),
    }
    chosen = {
        kind: [i for i, each in enumerate(losses) if each == kind] for kind in dict.fromkeys(losses)
    }
    if len(chosen) == 1:
        return kinds[losses[0]](found, true).mean(1).sum()
    return sum(kinds[k](found[own], true[own]).mean(1).sum() for k, own in chosen.items())


def _mae(found: Tensor, true: Tensor) -> Tensor:
    return (found - true).abs().mean(1)


def _set_rate(optimizer: Adam, lr: float, epoch: int, epochs: int) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr * (DROP if epoch >= LAST_PART * epochs else 1)


def _descend(optimizer: Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
