"""From samples to something comparable, and from there to a number."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from contrast_supremix.form import Ordered, Predictions
from contrast_supremix.kinds import KINDS
from contrast_supremix.network import Members
from contrast_supremix.sampler import SWEEP, Batch


class Features(nn.Module):
    """The network that samples of a kind are read by, with a linear projector that only the
    contrast sees.

    `kind` is a name of `contrast_supremix.kinds.KINDS`, `sample` a sample's shape.
    """

    def __init__(
        self, kind: str, sample: Sequence[int], width: int = 128, projection: int = 128
    ) -> None:
        super().__init__()
        own = [torch.default_generator]
        self.features = KINDS[kind].network(sample, width, own)
        self.projector = Members([width, projection], own)

    def forward(self, batch: Batch) -> Ordered:
        """One view of each sample, with its target in label units."""
        z = self.projector(self.features(batch.x[None]))
        labels = batch.labels.round().long()
        return Ordered(z, ids=batch.rows, labels=labels, targets=batch.labels)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The features under the projector."""
        return {"z": self.features(batch.x[None])[0]}


class Regressor(nn.Module):
    """Features and a linear head; a frozen one learns the head alone, on standardised features.

    `fingerprint` is that of the data it was trained on.
    """

    def __init__(
        self,
        kind: str,
        sample: Sequence[int],
        width: int = 128,
        projection: int = 128,
        fingerprint: int = 0,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        own = [torch.default_generator]
        self.features = KINDS[kind].network(sample, width, own)
        self.head = Members([width, 1], own)
        self.features.requires_grad_(not frozen)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        self.register_buffer("fingerprint", torch.tensor(fingerprint))

    @torch.no_grad()
    def standardise(self, x: Tensor) -> None:
        """Take mean and deviation of the features of these samples, (N, ...)."""
        z = torch.cat([self.features(some[None])[0] for some in x.split(SWEEP)])
        self.mean.copy_(z.mean(0))
        self.std.copy_(z.std(0, correction=0).clamp(min=1e-6))

    def forward(self, batch: Batch) -> Predictions:
        """What the head says, beside what is true."""
        return Predictions(self.predict(batch.x), batch.y)

    def predict(self, x: Tensor) -> Tensor:
        """Standardised predictions of samples, (N,)."""
        z = (self.features(x[None]) - self.mean) / self.std
        return self.head(z)[0, :, 0]

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """The features under the head."""
        return {"z": self.features(batch.x[None])[0]}
