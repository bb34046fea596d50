"""The encoder of trajectories, and the linear reward on it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrast.errors import DataError
from contrast_sirl.form import Triples
from contrast_sirl.sampler import Batch
from contrast_sirl.trajectories import Trajectories

ROUNDING = 1e-6  # of the largest value: a deviation below it is none


class TrajectoryEncoder(nn.Module):
    """phi: a perceptron with two hidden layers on the flattened steps of a trajectory.

    Shorter trajectories are padded with zeros to `length` steps; where lengths differ (`ragged`),
    the mask of real steps is an input as well. With `standardise`, inputs are z-scored by the
    training trajectories.

    Shapes:  steps (..., T, D), mask (..., T), constants (..., C) to (..., width).
    """

    def __init__(
        self,
        *,
        length: int,
        numbers: int,
        constants: int,
        ragged: bool,
        hidden: int,
        width: int,
        standardise: bool,
    ) -> None:
        super().__init__()
        self.length, self.numbers, self.constants = length, numbers, constants
        self.ragged, self.standardise = ragged, standardise
        inputs = length * (numbers + ragged) + constants
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, width),
        )
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("scale", torch.ones(numbers))
        self.register_buffer("restarts", torch.zeros((), dtype=torch.long))

    def fit_scale(self, data: Trajectories) -> None:
        """Mean and deviation of each number over the real steps of the training trajectories.

        A number that is always the same, but for rounding, is not scaled.
        """
        if self.standardise:
            real = data.steps[data.train][data.mask[data.train]]
            scale = real.std(0, correction=0)
            self.mean.copy_(real.mean(0))
            self.scale.copy_(scale.where(scale > ROUNDING * real.abs().amax(0), 1))

    def forward(self, batch: Batch) -> Triples:
        """The three embeddings of every question."""
        return Triples(self.represent(batch.steps, batch.mask, batch.constants))

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """What users get: z (B, width) of each trajectory of a sweep."""
        return {"z": self.represent(batch.steps, batch.mask, batch.constants)[0]}

    def represent(self, steps: Tensor, mask: Tensor, constants: Tensor) -> Tensor:
        """phi of trajectories."""
        return self.layers(self.inputs(steps, mask, constants))

    def inputs(self, steps: Tensor, mask: Tensor, constants: Tensor) -> Tensor:
        """The numbers that the perceptron sees, (..., F).

        Raises: DataError: trajectories are longer, or of other numbers, than those of training.
        """
        self.check(steps, constants)
        if self.standardise:
            steps = (steps - self.mean) / self.scale
        if not self.ragged:
            return torch.cat([steps.flatten(-2), constants], dim=-1)
        missing = self.length - steps.shape[-2]
        steps = nn.functional.pad(steps.masked_fill(~mask[..., None], 0), (0, 0, 0, missing))
        real = nn.functional.pad(mask.to(steps.dtype), (0, missing))
        return torch.cat([steps.flatten(-2), real, constants], dim=-1)

    def check(self, steps: Tensor, constants: Tensor) -> None:
        """Raises: DataError: trajectories that the encoder cannot take."""
        if steps.shape[-1] != self.numbers or steps.shape[-2] > self.length:
            raise DataError(
                f"trajectories of up to {steps.shape[-2]} steps of {steps.shape[-1]} numbers; the "
                f"run knows up to {self.length} steps of {self.numbers}"
            )
        if not self.ragged and steps.shape[-2] < self.length:
            raise DataError(
                f"trajectories of {steps.shape[-2]} steps; all of the run's had {self.length}"
            )
        if constants.shape[-1] != self.constants:
            raise DataError(
                f"{constants.shape[-1]} numbers of a whole trajectory (`constants`), expected "
                f"{self.constants}"
            )

    @torch.no_grad()
    def restart(self) -> None:
        """New initial weights, where units have died; counted in `restarts`."""
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        self.restarts += 1


class RewardModel(nn.Module):
    """r(xi) = w^T (phi(xi) - mean) / deviation: a linear reward on a frozen encoder.

    Only w is learnt. Mean and deviation are those of the training trajectories' embeddings, since
    the scale of an embedding means nothing.
    """

    def __init__(self, phi: TrajectoryEncoder, width: int) -> None:
        super().__init__()
        self.phi = phi.requires_grad_(False)
        self.weight = nn.Parameter(torch.zeros(width))
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))

    @torch.no_grad()
    def fit_scale(self, data: Trajectories) -> None:
        """Mean and deviation of the training trajectories' embeddings."""
        at, like = data.train, self.phi.mean
        z = self.phi.represent(
            data.steps[at].to(like), data.mask[at].to(like.device), data.constants[at].to(like)
        )
        self.centre.copy_(z.mean(0))
        self.deviation.copy_(z.std(0, correction=0).clamp_min(1e-8))

    def forward(self, batch: Batch) -> Tensor:
        """Rewards, (V, B)."""
        return self.reward(batch.steps, batch.mask, batch.constants)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """What users get: z (B, width), and the reward as a column (B, 1)."""
        z = self.phi.embed(batch)["z"]
        return {"z": z, "reward": self.reward_of(z)[:, None]}

    def reward(self, steps: Tensor, mask: Tensor, constants: Tensor) -> Tensor:
        """The reward of whole trajectories, (...,)."""
        return self.reward_of(self.phi.represent(steps, mask, constants))

    def reward_of(self, z: Tensor) -> Tensor:
        """The reward of embeddings (..., width)."""
        return ((z - self.centre) / self.deviation) @ self.weight
