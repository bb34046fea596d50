"""What an update aims at: rewards with their bonus, and the value of what comes after."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.interfaces import Moment, Work
from contrast_ucb.deep.encoder import DeepFeatures
from contrast_ucb.deep.replay import Sequences
from contrast_ucb.deep.sampler import DeepExplorer
from contrast_ucb.deep.values import expected, n_steps, projected
from contrast_ucb.deep_bonus import n_step_bonus


@torch.no_grad()
def target_of(batch: Sequences, work: Work) -> tuple[Tensor, Tensor]:
    """The target of the first state and action, (B,) or a distribution (B, K), and the mean bonus.

    R + B + discount^m Q_target(s_m, argmax Q_online(s_m, .)),  m = n or where the episode ended.
    """
    encoder, sampler, trainer = work.parts.encoder, work.parts.sampler, work.trainer
    n, discount = sampler.n_step, trainer.discount
    earned, steps, factor = n_steps(
        batch.reward[:n], batch.terminated[:n], batch.ended[:n], discount
    )
    rows = torch.arange(len(steps), device=steps.device)
    after = encoder.prepared(batch.obs[steps, rows])
    best = expected(encoder.online(after), encoder.support).argmax(-1)
    future = encoder.target(after)[rows, best]
    mean = torch.zeros((), device=earned.device)
    if sampler.gamma:
        bonus = bonus_of(batch, sampler, encoder, work.at)
        earned = earned + n_step_bonus(
            torch.cat([bonus, bonus[:1]]),
            batch.ended[: n + 1].to(bonus),
            n_step=n,
            discount=discount,
            official=encoder.official,
        ).squeeze(0)
        mean = bonus.mean()
    if len(encoder.support) == 1:
        return earned + factor * future[:, 0], mean
    return projected(future.softmax(-1), earned, factor, encoder.support), mean


def bonus_of(batch: Sequences, sampler: DeepExplorer, encoder: DeepFeatures, at: Moment) -> Tensor:
    """The bonus of the first n states and actions of each stretch, (n, B)."""
    n = sampler.n_step
    if encoder.official:
        atoms = encoder.online(encoder.prepared(batch.obs.flatten(0, 1))).softmax(-1)
        phi = paired(atoms.unflatten(0, batch.obs.shape[:2]), batch, official=True)
        return encoder.optimism.replayed(phi, sampler.gamma)[:n]
    if at.step % sampler.refresh == 0:
        recount(sampler, encoder, at)
    latent = encoder.online.trunk(encoder.prepared(batch.obs[:n].flatten(0, 1)))
    encoder.dynamics.eval()
    phi = encoder.state_actions(latent, batch.action[:n].flatten())
    encoder.dynamics.train()
    return encoder.optimism(phi, sampler.gamma).unflatten(0, (n, -1))


def paired(features: Tensor, batch: Sequences, *, official: bool) -> Tensor:
    """Features (L, B, A, K) of each state with the action taken there: (L, B, K).

    `official`: with the action *before*, as the authors' code reads its replay.
    """
    action = torch.cat([batch.previous[None], batch.action[:-1]]) if official else batch.action
    index = action[..., None, None].expand(*action.shape, 1, features.shape[-1])
    return features.gather(2, index).squeeze(2)


def recount(sampler: DeepExplorer, encoder: DeepFeatures, at: Moment) -> None:
    """Lambda anew, with today's features of all visits."""
    device = encoder.support.device
    visits = sampler.visits(at)
    latent = encoder.online.trunk(encoder.prepared(visits.obs[0].to(device)))
    phi = encoder.state_actions(latent, visits.action[0].to(device))
    encoder.optimism.recount(phi, sampler.taken, sampler.lam)
