"""Contrastive policy gradient: its special cases, and the bandit of its paper."""

import torch

from contrast.forms import Lists
from contrast_alignment.objectives.copg import copg
from contrast_alignment.objectives.ipo import ipo

REWARDS = torch.tensor([2.5, 2.0, 1.0], dtype=torch.float64)
BETA, UNIFORM = 0.5, torch.full((3,), 1 / 3, dtype=torch.float64)


def pairs(n=8):
    draw = torch.Generator().manual_seed(0)
    scores = torch.randn(n, 2, generator=draw, dtype=torch.float64).requires_grad_()
    return scores, torch.randn(n, 2, generator=draw, dtype=torch.float64)


def gradient(loss, scores):
    return torch.autograd.grad(loss, scores)[0]


def test_it_is_ipo_where_the_winner_has_half_a_point_more():
    scores, reference = pairs()
    rewards = torch.tensor([0.5, 0.0], dtype=torch.float64).expand(8, 2)
    form = Lists(scores, targets=rewards, reference=reference)
    other = ipo(form, tau=0.3, length_normalize=False)
    found = gradient(copg(form, beta=0.3), scores)
    torch.testing.assert_close(found, 0.3 / 2 * gradient(other, scores))


def test_each_other_s_regularised_reward_is_the_baseline():
    scores, reference = pairs()
    rewards = torch.rand(8, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    regularised = rewards - BETA * (scores - reference)
    ahead = (regularised[:, 0] - regularised[:, 1]).detach()
    by_hand = -torch.stack([ahead, -ahead], 1) / 8
    found = gradient(copg(Lists(scores, targets=rewards, reference=reference), beta=BETA), scores)
    torch.testing.assert_close(found, by_hand)


def test_equal_rewards_pull_log_ratios_together():
    scores, reference = pairs(1)
    form = Lists(scores, targets=torch.ones(1, 2, dtype=torch.float64), reference=reference)
    z = (scores - reference)[0]
    pull = gradient(copg(form, beta=BETA), scores)[0]
    assert (pull[0] > 0) == (z[0] > z[1])
    assert pull.sum().abs() < 1e-12


def train(loss, steps=600):
    """Logits of three arms, from pairs that another policy drew."""
    draw = torch.Generator().manual_seed(0)
    arms = torch.multinomial(
        torch.tensor([0.1, 0.2, 0.7]), 20_000, replacement=True, generator=draw
    )
    arms = arms.view(10_000, 2)
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.02)
    for _ in range(steps):
        batch = arms[torch.randint(len(arms), (512,), generator=draw)]
        optimizer.zero_grad()
        loss(logits.log_softmax(0), batch).backward()
        optimizer.step()
    return logits.detach().softmax(0)


def regret(policy):
    """How far the objective, reward less beta KL, is below its optimum."""
    value = lambda p: (p * (REWARDS - BETA * (p / UNIFORM).log())).sum()  # noqa: E731
    best = (REWARDS / BETA).softmax(0)
    return float(value(best) - value(policy))


def contrasted(logp, batch):
    reference = UNIFORM.log()[batch]
    return copg(Lists(logp[batch], targets=REWARDS[batch], reference=reference), beta=BETA)


def without_baseline(logp, batch):
    regularised = REWARDS[batch] - BETA * (logp[batch] - UNIFORM.log()[batch])
    return -(regularised.detach() * logp[batch]).mean()


def test_it_reaches_the_optimum_from_another_policy_s_arms_as_plain_policy_gradient_does_not():
    assert regret(train(contrasted)) < 1e-4
    assert regret(train(without_baseline)) > 0.3
