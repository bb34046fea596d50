"""Optimisers and learning-rate schedules, by the trainer's settings."""

from __future__ import annotations

import math

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from contrast.recipe import TrainerConfig


def make_optimizer(parameters: list[nn.Parameter], trainer: TrainerConfig) -> Optimizer:
    """The optimiser that `trainer.optimizer` names, with its learning rate and weight decay."""
    if trainer.optimizer == "sgd":
        return SGD(
            parameters,
            lr=trainer.lr,
            momentum=trainer.momentum,
            weight_decay=trainer.weight_decay,
        )
    settings = {"lr": trainer.lr, "weight_decay": trainer.weight_decay}
    if trainer.optimizer == "adamw":  # for large models: fused, it makes no temporary tensors
        return AdamW(parameters, fused=True, **settings)
    return Adam(parameters, **settings)


def learning_rate_factor(step: int, steps: int, trainer: TrainerConfig) -> float:
    """What the learning rate of this step is multiplied by: warm-up, then the schedule to zero."""
    if step < trainer.warmup_steps:
        return (step + 1) / trainer.warmup_steps
    done = (step - trainer.warmup_steps) / max(steps - trainer.warmup_steps, 1)
    if trainer.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    return 1 - done if trainer.schedule == "linear" else 1.0
