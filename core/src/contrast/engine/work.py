"""What a stage's step sees of the engine: encode, contrast, descend, log.

With several processes the loss of a step is the sum over ranks of share_r L_r, where share_r is
the rank's share of the samples and L_r what its step hands to `descend`. Two kinds of terms then
come out as one process would have them, also side by side in one step:

- a mean over the rank's own samples: the shares make it the mean over all samples;
- `contrast`, which sees the gathered form and so has the same value on every rank: the shares add
  up to one. The gather's backward sums over ranks, and each L_r is weighed before the backward.

A term that is neither (a sum over own samples, a constant) is averaged by share. Nothing is
gathered where the sampler hands every rank the same batch (`Sampler.shared`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from contrast.engine.distribution import World, reduce_gradients
from contrast.forms import Form, lowered
from contrast.interfaces import Moment, Parts
from contrast.primitives.gather import gather
from contrast.primitives.gradient_cache import encode_in_chunks, refuse_mixing
from contrast.primitives.sharing import pairs_shared
from contrast.recipe import ObjectivePart, TrainerConfig


class Clock:
    """Seconds by what they were spent on; a block within a block counts for the inner one."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._open: list[float] = []

    @contextmanager
    def split(self, name: str) -> Iterator[None]:
        """Count the block's time under the name."""
        started = perf_counter()
        self._open.append(0.0)
        try:
            yield
        finally:
            whole = perf_counter() - started
            self.spent[name] = self.spent.get(name, 0.0) + whole - self._open.pop()
            if self._open:
                self._open[-1] += whole


class Group:
    """One group of parameters and its optimiser."""

    def __init__(self, parameters: list[nn.Parameter], optimizer: Optimizer) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.optimizer = optimizer
        self.base_rates = [each["lr"] for each in optimizer.param_groups]

    def set_rate(self, factor: float) -> None:
        """Set the learning rate to the base rate times the factor."""
        for each, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            each["lr"] = rate * factor

    def step(self, gradients: list[Tensor | None], clip_norm: float) -> None:
        """One optimiser step on these gradients, clipped to a norm (0: unclipped)."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        if clip_norm:
            nn.utils.clip_grad_norm_(self.parameters, clip_norm)
        self.optimizer.step()
        for parameter in self.parameters:
            parameter.grad = None


class LoopWork:
    """The engine's side of `contrast.interfaces.Work`, made anew for every step."""

    def __init__(
        self,
        parts: Parts,
        objective: ObjectivePart,
        groups: dict[str, Group],
        at: Moment,
        *,
        trainer: TrainerConfig,
        world: World,
        clock: Clock,
    ) -> None:
        self.parts, self.at = parts, at
        self.values: dict[str, Tensor | float] = {}
        self._objective, self._groups = objective, groups
        self.trainer, self._world, self._clock = trainer, world, clock
        self._share: float | None = None
        self._encoded: Any = None
        self.contrasted: Any = None  # the batch whose form was contrasted last

    @property
    def share(self) -> float:
        """This process's share of the step's samples; equal where nothing was encoded."""
        return 1.0 / self._world.size if self._share is None else self._share

    def encode(self, batch: Any) -> Form:
        """The encoder's form of the batch, related by the sampler; in micro-batches if asked."""
        with self._clock.split("forward"):
            form = self._encode(batch)
        with self._clock.split("relate"):
            form = self.parts.sampler.relate(form, self.at)
        if self._share is None:
            self._share = self._world.share(len(form))
        self._encoded = batch
        return form

    def look(self, batch: Any) -> Form:
        """All ranks' form of the batch as the encoder gives it, related by nobody."""
        form = self._encode(batch)
        return form if self.parts.sampler.shared else gather(form, self._world)

    def contrast(self, form: Form) -> Tensor:
        """The objective on all ranks' form, lowered to what it reads; its terms are logged."""
        self.contrasted = self._encoded
        with self._clock.split("loss"):
            if self.parts.sampler.shared:
                return self._objected(form)
            with pairs_shared(self._world):
                return self._objected(gather(form, self._world))

    def _objected(self, form: Form) -> Tensor:
        return self._total(self.parts.objective(lowered(form, self._objective.reads)))

    def descend(
        self, loss: Tensor | Mapping[str, Tensor], *groups: str, retain_graph: bool = False
    ) -> None:
        """One optimiser step of the named groups (all when none is named) on the loss."""
        total = self._total(loss)
        label = "loss" if "loss" not in self.values else f"loss/{'+'.join(groups or self._groups)}"
        self.values[label] = total.detach()
        chosen = [self._groups[name] for name in groups or self._groups]
        parameters = [p for group in chosen for p in group.parameters]
        with self._clock.split("backward"):
            gradients = torch.autograd.grad(
                total,
                parameters,
                torch.full_like(total, self.share),
                allow_unused=True,
                retain_graph=retain_graph,
            )
        with self._clock.split("step"):
            reduced = reduce_gradients(gradients, parameters, self._world)
            for group in chosen:
                mine, reduced = reduced[: len(group.parameters)], reduced[len(group.parameters) :]
                group.step(mine, self.trainer.clip_norm)

    def log(self, **values: float | Tensor) -> None:
        """Record numbers of this step beside the loss."""
        for name, value in values.items():
            self.values[name] = value.detach() if isinstance(value, Tensor) else value

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Count a block's time under a name of its own."""
        return self._clock.split(name)

    def _encode(self, batch: Any) -> Form:
        encoder = self.parts.encoder

        def encode(batch: Any) -> Form:
            with autocast(self.trainer, encoder):
                return encoder(batch)

        if not self.trainer.micro_batch:
            return encode(batch)
        refuse_mixing(encoder)
        chunks = self.parts.sampler.split(batch, self.trainer.micro_batch)
        return encode_in_chunks(encode, chunks, encoder)

    def _total(self, loss: Tensor | Mapping[str, Tensor]) -> Tensor:
        """The loss, or the sum of its named terms, which are logged."""
        if isinstance(loss, Tensor):
            return loss
        self.log(**loss)
        return torch.stack(list(loss.values())).sum()


def autocast(trainer: TrainerConfig, encoder: nn.Module) -> torch.autocast:
    """bf16 on the encoder's device where the trainer asks for it."""
    device = next((p.device.type for p in encoder.parameters()), "cpu")
    return torch.autocast(device, torch.bfloat16, enabled=trainer.precision == "bf16")
