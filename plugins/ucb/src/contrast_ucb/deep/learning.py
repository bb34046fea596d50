"""What an update aims at: rewards with their bonus, and the value of what comes after."""

from __future__ import annotations

import torch
from torch import Tensor

from contrast.interfaces import Moment, Work
from contrast_ucb.deep.encoder import DeepFeatures
from contrast_ucb.deep.replay import Sequences
from contrast_ucb.deep.sampler import DeepExplorer
from contrast_ucb.deep.values import n_steps, projected
from contrast_ucb.deep_bonus import n_step_bonus


@torch.no_grad()
def target_of(batch: Sequences, work: Work) -> tuple[Tensor, Tensor]:
    """The target of the first state and action, (B,) or a distribution (B, K), and the mean bonus.

    R + B + discount^m Q_target(s_m, a_m),  m = n or where the episode ended. As in the theory the
    bonus of a state and action is added wherever its value is asked for, so that an action never
    tried has one too: a_m maximises Q_online + b, B sums discount^j b(s_j, a_j) over 1 <= j <= m.
    The official code learns the bonus with the rewards, 0 <= j < m, from what was tried alone.
    """
    encoder, sampler, trainer = work.parts.encoder, work.parts.sampler, work.trainer
    n, discount, gamma = sampler.n_step, trainer.discount, sampler.gamma
    earned, steps, factor = n_steps(
        batch.reward[:n], batch.terminated[:n], batch.ended[:n], discount
    )
    if gamma and not encoder.official and work.at.step % sampler.refresh == 0:
        recount(sampler, encoder, work.at)
    rows = torch.arange(len(steps), device=steps.device)
    after = encoder.prepared(batch.obs[steps, rows])
    worth, bonus = encoder.outlook(after, gamma)
    best = (worth + bonus).argmax(-1)
    future, last = encoder.target(after)[rows, best], bonus[rows, best]
    earned, mean = earned + factor * last, last.mean()
    if gamma and (n > 1 or encoder.official):
        met = bonus_met(batch, sampler, encoder)
        earned = earned + n_step_bonus(
            torch.cat([met, met[:1]]),
            batch.ended[: n + 1].to(met),
            n_step=n,
            discount=discount,
            official=encoder.official,
        ).squeeze(0)
        mean = met.mean() if encoder.official else mean
    if len(encoder.support) == 1:
        return earned + factor * future[:, 0], mean
    return projected(future.softmax(-1), earned, factor, encoder.support), mean


def bonus_met(batch: Sequences, sampler: DeepExplorer, encoder: DeepFeatures) -> Tensor:
    """What the first n states and actions of each stretch add to its target, (n, B).

    The first adds nothing, since its bonus is not learnt; `official`: it does.
    """
    n = sampler.n_step
    if encoder.official:
        atoms = encoder.online(encoder.prepared(batch.obs.flatten(0, 1))).softmax(-1)
        phi = paired(atoms.unflatten(0, batch.obs.shape[:2]), batch, official=True)
        return encoder.optimism.replayed(phi, sampler.gamma)[:n]
    latent = encoder.online.trunk(encoder.prepared(batch.obs[1:n].flatten(0, 1)))
    later = encoder.bonus(latent, batch.action[1:n].flatten(), sampler.gamma)
    return torch.cat([later.new_zeros(1, batch.action.shape[1]), later.unflatten(0, (n - 1, -1))])


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
