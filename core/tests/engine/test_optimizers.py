import pytest
import torch
from torch import nn

from contrast.engine.optimizers import learning_rate_factor, make_optimizer
from contrast.recipe import TrainerConfig


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.75, 0.5, 0.25]),
        ("cosine", [0.5, 1, 1, 0.8536, 0.5, 0.1464]),
    ],
)
def test_the_rate_warms_up_and_then_follows_the_schedule(schedule, expected):
    trainer = TrainerConfig(schedule=schedule, warmup_steps=2)
    factors = [learning_rate_factor(step, 6, trainer) for step in range(6)]
    assert factors == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_the_named_optimiser_gets_the_settings(name, kind):
    trainer = TrainerConfig(optimizer=name, lr=0.3, weight_decay=0.2, momentum=0.7)
    optimizer = make_optimizer(list(nn.Linear(2, 2).parameters()), trainer)
    assert type(optimizer) is kind
    assert optimizer.param_groups[0]["lr"] == 0.3
    assert optimizer.param_groups[0]["weight_decay"] == 0.2
    assert optimizer.param_groups[0].get("momentum", 0.7) == 0.7
