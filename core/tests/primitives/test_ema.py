"""A copy that follows: its start, its steps, its momentum."""

import pytest
import torch
from torch import nn

from contrast.primitives.ema import EMA, cosine_momentum


def module(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).to(dtype)


def test_the_copy_begins_equal_and_apart():
    online = module()
    ema, x = EMA(online), torch.randn(5, 3)
    torch.testing.assert_close(ema(x), online(x))
    assert not ema(x).requires_grad
    assert not any(p.requires_grad for p in ema.parameters())
    assert all(p.requires_grad for p in online.parameters())
    before = ema.target[0].weight.clone()
    with torch.no_grad():
        online[0].weight.add_(1)
    assert torch.equal(ema.target[0].weight, before)


def test_updates_are_the_plain_average():
    online, ema = module(), EMA(module())
    wanted = [p.clone() for p in online.parameters()]
    for momentum in (0.9, 0.5):
        with torch.no_grad():
            for p in online.parameters():
                p.mul_(1.5)
        ema.update(online, momentum)
        wanted = [
            momentum * w + (1 - momentum) * p
            for w, p in zip(wanted, online.parameters(), strict=True)
        ]
    for mine, plain in zip(ema.target.parameters(), wanted, strict=True):
        torch.testing.assert_close(mine.detach(), plain.detach())


@pytest.mark.parametrize("momentum", [0.0, 1.0])
def test_momentum_at_its_ends_copies_or_keeps(momentum):
    online, ema = module(1), EMA(module())
    wanted = online if momentum == 0 else module()
    ema.update(online, momentum)
    for mine, plain in zip(ema.target.parameters(), wanted.parameters(), strict=True):
        assert torch.equal(mine, plain)


def test_batch_statistics_are_copied():
    online = module()
    ema = EMA(online)
    online(torch.randn(6, 3))
    ema.update(online, 0.9)
    assert torch.equal(ema.target[1].running_mean, online[1].running_mean)
    assert ema.target[1].num_batches_tracked == 1


def test_small_steps_are_not_lost_in_half_precision():
    online = module(dtype=torch.bfloat16)
    ema = EMA(online)
    with torch.no_grad():
        online[0].weight.fill_(1.0)
        ema.target[0].weight.fill_(0.0)
    for _ in range(100):
        ema.update(online, 0.999)
    expected = torch.full((4, 3), 1 - 0.999**100)
    torch.testing.assert_close(ema.target[0].weight, expected, rtol=1e-3, atol=0)


def test_momentum_rises_from_start_to_end():
    found = [cosine_momentum(step, 10, 0.9, 1.0) for step in range(12)]
    assert found[0] == pytest.approx(0.9)
    assert found[5] == pytest.approx(0.95)
    assert found[10] == found[11] == 1.0
    assert found == sorted(found)


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="momentum must be"):
        EMA(module()).update(module(), 1.5)
    with pytest.raises(ValueError, match=r"`0\.bias` is only in one"):
        EMA(nn.Sequential(nn.Linear(3, 4))).update(nn.Sequential(nn.Linear(3, 4, bias=False)), 0.5)
