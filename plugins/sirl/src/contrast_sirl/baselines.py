"""What the method is compared with: encoders of the same kind that learn from something else.

    random        untrained                         pca    principal components of trajectories
    vae           reconstructs trajectories         single_pref   preferences of one person
    multi_pref    preferences of several people, a linear reward each on a shared encoder
    raw           trajectories as they are          oracle        the true features

`sirl` itself is here as well, so that all are trained by the same lines. Each gives the embeddings
of all trajectories, (K, N, D), one for each of the K generators' seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from contrast.objectives.bradley_terry import bradley_terry
from contrast.objectives.triplet import triplet
from contrast_sirl.human import alike, draw_people, prefers_second, reward
from contrast_sirl.questions import random_triples
from contrast_sirl.several import Several, collapsed, descend

CHECK_EVERY = 100  # steps between looks for dead units
VAE_RATE, KL_WEIGHT = 1e-3, 1e-3

Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Bench:
    """What all have in common: trajectories, true features, the training part, the network's size.

    Shapes:  x: (N, F);  features: (N, q);  train: rows.
    """

    x: Tensor
    features: Tensor
    train: Tensor
    hidden: int = 128
    lr: float = 0.004
    steps: int = 3000
    batch: int = 64
    width: int = 6
    rationality: float | None = 10.0  # of those who give preferences

    def encoders(self, members: int, generator: Generator, width: int | None = None) -> Several:
        """Untrained encoders, of the bench's width unless another is given."""
        sizes = (self.x.shape[1], self.hidden, self.hidden, width or self.width)
        return Several(members, sizes, generator=generator)

    @torch.no_grad()
    def embed(self, encoders: Several) -> Tensor:
        """The embeddings of all trajectories, (K, N, D)."""
        return encoders(self.x)

    def minibatch(self, members: int, count: int, generator: Generator) -> Tensor:
        """Rows of a batch for each member, without replacement: (K, B)."""
        keys = torch.rand(members, count, generator=generator)
        return keys.topk(min(self.batch, count), dim=1).indices


def triplet_loss(*, squared: bool = False, symmetric: bool = True, margin: float = 1.0) -> Loss:
    """The similarity loss of rows (3, B, D)."""
    distance = "squared" if squared else "euclidean"
    return lambda z: triplet(*z, margin=margin, distance=distance, symmetric=symmetric)


def simulated_answers(
    bench: Bench,
    members: int,
    queries: int,
    generator: Generator,
    *,
    rule: str = "closest_pair",
    rationality: float | None = None,
) -> Tensor:
    """Random questions with their answers, P1, P2, N: (K, Q, 3) rows."""
    asked = random_triples(bench.train, members * queries, generator)
    order = alike(bench.features[asked], rule=rule, rationality=rationality, generator=generator)
    return asked.gather(1, order).view(members, queries, 3)


def fit_sirl(
    bench: Bench, answers: Tensor, loss: Loss, generator: Generator
) -> tuple[Several, int]:
    """Encoders trained on answers (K, Q, 3), and how often one was restarted for dead units."""
    members, count, _ = answers.shape
    encoders = bench.encoders(members, generator)
    seen: dict[str, Tensor] = {}
    restarts = 0

    def step_loss(step: int) -> Tensor:
        rows = bench.minibatch(members, count, generator)
        chosen = answers.gather(1, rows[..., None].expand(-1, -1, 3))  # (K, B, 3)
        z = encoders(bench.x[chosen.mT.reshape(members, -1)])
        seen["z"] = z
        z = z.view(members, 3, -1, z.shape[-1]).transpose(0, 1)
        return members * loss(z.flatten(1, 2))

    def look(step: int) -> None:
        nonlocal restarts
        if (step + 1) % CHECK_EVERY == 0 and (dead := collapsed(seen["z"])).any():
            encoders.restart(dead, generator)
            restarts += int(dead.sum())

    descend(encoders, step_loss, steps=bench.steps, lr=bench.lr, after=look)
    return encoders, restarts


def fit_preferences_end_to_end(
    bench: Bench, members: int, people: int, preferences: int, generator: Generator
) -> Several:
    """Encoders trained with a linear reward for each of some people, who share the preferences."""
    encoders = bench.encoders(members, generator)
    width = bench.width
    heads = nn.Parameter(torch.randn(members, people, width, generator=generator) / width**0.5)
    theta = draw_people(members * people, bench.features.shape[1], generator)
    rewards = reward(bench.features, theta).view(members, people, -1)
    who = torch.arange(preferences) % people
    pairs = random_triples(bench.train, members * preferences, generator)[:, :2]
    pairs = pairs.view(members, preferences, 2)
    owner = rewards[:, who]  # (K, M, N)
    r = owner.gather(2, pairs)
    y = prefers_second(r[..., 0], r[..., 1], rationality=bench.rationality, generator=generator)

    def step_loss(step: int) -> Tensor:
        rows = bench.minibatch(members, preferences, generator)
        both = pairs.gather(1, rows[..., None].expand(-1, -1, 2))
        z = encoders(bench.x[both.reshape(members, -1)]).view(members, -1, 2, width)
        head = heads.gather(1, who[rows][..., None].expand(-1, -1, width))
        scores = (z * head[:, :, None]).sum(-1).clamp(-50, 50)
        second = y.gather(1, rows)
        targets = torch.stack([1 - second, second], dim=-1)
        return members * bradley_terry(scores.flatten(0, 1), targets=targets.flatten(0, 1))

    together = nn.ModuleList([encoders])
    together.register_parameter("heads", heads)
    descend(together, step_loss, steps=bench.steps, lr=bench.lr)
    return encoders


def fit_vae(bench: Bench, members: int, generator: Generator) -> Several:
    """Encoders whose first half is the mean of a code from which trajectories are rebuilt."""
    encoders = bench.encoders(members, generator, 2 * bench.width)
    sizes = (bench.width, bench.hidden, bench.hidden, bench.x.shape[1])
    decoders = Several(members, sizes, generator=generator)
    known = bench.x[bench.train]
    centre, scale = known.mean(0), known.std(0, correction=0).clamp_min(1e-8)

    def step_loss(step: int) -> Tensor:
        x = bench.x[bench.train[bench.minibatch(members, len(known), generator)]]
        mean, log_var = encoders(x).chunk(2, dim=-1)
        noise = torch.randn(mean.shape, generator=generator)
        rebuilt = decoders(mean + noise * (log_var / 2).exp())
        error = (rebuilt - (x - centre) / scale).square().mean((1, 2))
        divergence = (mean.square() + log_var.exp() - 1 - log_var).mean((1, 2)) / 2
        return (error + KL_WEIGHT * divergence).sum()

    both = nn.ModuleList([encoders, decoders])
    descend(both, step_loss, steps=bench.steps, lr=VAE_RATE)
    return encoders


def principal_components(bench: Bench) -> Tensor:
    """The first principal components of the training trajectories, (1, N, width)."""
    mean = bench.x[bench.train].mean(0)
    _, _, directions = torch.linalg.svd(bench.x[bench.train] - mean, full_matrices=False)
    return ((bench.x - mean) @ directions[: bench.width].T)[None]
