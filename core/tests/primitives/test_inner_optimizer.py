"""An optimiser within an objective: torch's Adam, resumable, random by counters, unseen outside."""

import pytest
import torch
from torch import nn

from contrast.primitives.inner_optimizer import InnerOptimizer


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))


X = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))


def fit(inner, steps=1):
    return inner.fit(lambda q: q(X).square().mean(), steps)


def test_steps_are_those_of_adam():
    inner, plain = InnerOptimizer(model().eval(), lr=0.01), model().eval()
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    for _ in range(5):
        loss = plain(X).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    last = fit(inner, 5)
    assert not last.requires_grad
    torch.testing.assert_close(last, loss.detach())
    for mine, theirs in zip(inner.module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine.detach(), theirs.detach())


def test_a_resumed_fit_is_the_one_that_was_not_stopped():
    through, first, second = (InnerOptimizer(model(), lr=0.01) for _ in range(3))
    fit(through, 7)
    fit(first, 3)
    second.load_state_dict(first.state_dict())
    torch.manual_seed(99)
    fit(second, 4)
    for mine, theirs in zip(second.parameters(), through.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_random_state_outside_is_left_alone():
    inner = InnerOptimizer(model(), lr=0.01)
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    fit(inner, 2)
    assert torch.equal(torch.rand(3), wanted)


def test_outside_the_model_is_fixed_but_lets_gradients_through():
    inner = InnerOptimizer(model(), lr=0.01)
    z = X.clone().requires_grad_()
    fit(inner)
    inner.module(z).sum().backward()
    assert z.grad.abs().sum() > 0
    assert all(p.grad is None and not p.requires_grad for p in inner.parameters())


def test_fitting_works_where_gradients_are_off_and_after_an_error():
    inner = InnerOptimizer(model(), lr=0.01)
    with torch.no_grad():
        fit(inner)
    with pytest.raises(ZeroDivisionError):
        inner.fit(lambda q: 1 / 0)
    assert not any(p.requires_grad for p in inner.parameters())


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="lr must be > 0"):
        InnerOptimizer(model(), lr=0.0)
    with pytest.raises(ValueError, match="steps must be >= 1"):
        fit(InnerOptimizer(model(), lr=0.1), 0)
