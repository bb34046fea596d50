"""An optimiser inside an objective: a small model that is fitted within every step.

vCLUB's q(s | c) and the discriminator of a total-correlation estimate are of this kind: their
parameters descend a loss of their own on detached embeddings, and the outer loss sees them fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from contrast.engine.randomness import seeded


class InnerOptimizer(nn.Module):
    """A module with its own Adam (arXiv:1412.6980, Alg. 1), all of it in the checkpoint.

    Moments and step count are buffers; the module's parameters ask for no gradient outside `fit`,
    so that no outer optimiser moves them, while gradients pass through to what they are applied
    to. Each inner step runs under a seed made of the inner seed and the step count, the same on
    every rank: from the gathered form all ranks fit the same model. Nothing random leaks out.

        self.inner = InnerOptimizer(GaussianGiven(width), lr=1e-3, seed=0)
        ...
        if self.training:
            self.inner.fit(lambda q: -q.log_prob(s.detach(), c.detach()).mean(), steps=5)
        loss = self.inner.module.log_prob(s, c).mean() - ...

    Call `fit` before the module's outer use: it writes the parameters in place, and torch refuses
    a backward pass through parameters that were written after their use.
    Raises: ValueError: lr <= 0.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not lr > 0:
            raise ValueError(f"lr must be > 0, got {lr}")
        self.module = module.requires_grad_(False)
        self.lr, self.betas, self.eps, self.seed = lr, betas, eps, seed
        self.steps = 0
        for i, parameter in enumerate(module.parameters()):
            self.register_buffer(f"mean_{i}", torch.zeros_like(parameter))
            self.register_buffer(f"square_{i}", torch.zeros_like(parameter))

    def fit(self, loss: Callable[[nn.Module], Tensor], steps: int = 1) -> Tensor:
        """Step down `loss(module)` so many times; the loss before the last step, detached.

        The loss must not depend on anything that asks for a gradient but the module.
        Raises: ValueError: steps < 1.
        """
        if steps < 1:
            raise ValueError(f"steps must be >= 1, got {steps}")
        parameters = list(self.module.parameters())
        for _ in range(steps):
            with seeded(self.seed, "inner", self.steps), torch.enable_grad():
                self.module.requires_grad_(True)
                try:
                    value = loss(self.module)
                    gradients = torch.autograd.grad(value, parameters, allow_unused=True)
                finally:
                    self.module.requires_grad_(False)
            self._step(parameters, gradients)
        return value.detach()

    @torch.no_grad()
    def _step(self, parameters: list[Tensor], gradients: tuple[Tensor | None, ...]) -> None:
        self.steps += 1
        decay, decay_square = self.betas
        unbias, unbias_square = (1 - beta**self.steps for beta in self.betas)
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):
            if gradient is None:
                continue
            mean, square = getattr(self, f"mean_{i}"), getattr(self, f"square_{i}")
            mean.lerp_(gradient, 1 - decay)
            square.lerp_(gradient.square(), 1 - decay_square)
            width = (square / unbias_square).sqrt_().add_(self.eps)
            parameter.addcdiv_(mean, width, value=-self.lr / unbias)

    def get_extra_state(self) -> Tensor:
        """The number of inner steps so far, for the checkpoint."""
        return torch.tensor(self.steps)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore what `get_extra_state` gave."""
        self.steps = int(state)
