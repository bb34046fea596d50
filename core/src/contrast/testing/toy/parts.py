"""The parts of the toy: points, two noisy views of them, a perceptron, InfoNCE both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from contrast.data.tables import read_table
from contrast.errors import ConfigError, DataError
from contrast.forms import Views, over
from contrast.interfaces import Moment, Sampler


@dataclass(frozen=True)
class Points:
    """What there is to compare.

    Shapes:  x: (N, F) float;  ids: N;  labels: (N,) integer or None.
    """

    x: Tensor
    ids: list[int | str]
    labels: Tensor | None = None


@dataclass(frozen=True)
class Batch:
    """Some points, each in V views.

    Shapes:  x: (V, B, F) float;  rows: (B,) integer.
    """

    x: Tensor = over(1)
    rows: Tensor = over(0)


def make_blobs(
    *, generator: Generator, samples: int, classes: int, features: int, spread: float
) -> Points:
    """Points around random centres, the classes in turn."""
    centres = torch.randn(classes, features, generator=generator)
    labels = torch.arange(samples) % classes
    noise = torch.randn(samples, features, generator=generator)
    return Points(centres[labels] + spread * noise, list(range(samples)), labels)


def read_points(*, generator: Generator, path: str) -> Points:
    """The points of the user's own table; nothing is random here.

    Raises: ConfigError: no path is given;  DataError: no table, or one that is not all numbers.
    """
    if not path:
        raise ConfigError("data `table` reads your own file: set `data.path=points.csv`")
    frame = read_table(path, text=["id"])
    numbers = frame.drop(columns=["id", "label"], errors="ignore")
    if numbers.empty or not all(kind.kind in "iuf" for kind in numbers.dtypes):
        raise DataError(f"{path} must hold numbers, except in its columns `id` and `label`")
    if numbers.isna().any(axis=None):
        raise DataError(f"{path} has missing numbers")
    labels = torch.tensor(frame["label"].factorize()[0]) if "label" in frame else None
    ids = frame["id"].tolist() if "id" in frame else list(range(len(frame)))
    return Points(torch.tensor(numbers.to_numpy(), dtype=torch.float32), ids, labels)


class TwoViews(Sampler):
    """A random batch of points, each seen twice through noise."""

    def __init__(
        self, data: Points, *, generator: Generator, batch_size: int, jitter: float
    ) -> None:
        self.data, self.batch_size, self.jitter = data, batch_size, jitter
        self.steps_per_epoch = -(-len(data.x) // batch_size)

    def draw(self, at: Moment) -> Batch:
        """The batch of this step; with several processes, each takes its own part of it."""
        order = torch.randperm(len(self.data.x), generator=at.shared("rows"))
        rows = order[: self.batch_size][at.rank :: at.world_size]
        x = self.data.x[rows]
        noise = torch.randn(2, *x.shape, generator=at.local("noise"))
        return Batch(x + self.jitter * noise, rows)

    def sweep(self, split: str) -> Iterator[Batch]:
        """All points in order, seen once and without noise; there is one split, `all`."""
        for rows in torch.arange(len(self.data.x)).split(self.batch_size):
            yield Batch(self.data.x[rows][None], rows)

    def ids(self, batch: Batch) -> list[int | str]:
        """The ids of the points."""
        return [self.data.ids[row] for row in batch.rows.tolist()]


class Mlp(nn.Module):
    """One hidden layer; gives `Views`."""

    def __init__(self, *, features: int, hidden: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, width)
        )

    def forward(self, batch: Batch) -> Views:
        """The views of a batch, z (V, B, D)."""
        return Views(self.layers(batch.x), ids=batch.rows)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The embedding of each point's first view, z (B, D)."""
        return {"z": self.layers(batch.x[0])}


class Agreement(nn.Module):
    """InfoNCE both ways: each view must find the other view of its own point in the batch.

    L = (CE(S, i) + CE(S', i)) / 2,  S = <z0_i, z1_j> / t        (arXiv:1807.03748, eq. 4)

    Shapes:  z: (2, B, D) float, any scale (normalised inside);  returns ().
    Edge cases: B = 1 has no negatives and gives 0.
    """

    def __init__(self, *, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, form: Views) -> Tensor:
        """The mean loss of a batch."""
        z = normalize(form.z.to(torch.promote_types(form.z.dtype, torch.float32)), dim=-1)
        logits = z[0] @ z[1].T / self.temperature  # (B, B)
        own = torch.arange(len(logits), device=logits.device)
        return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2
