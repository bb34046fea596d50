"""What exploration found: regret beside baselines, visits and bonus, the error of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contrast.interfaces import Drawing, Evaluation, Moment, Parts, Table
from contrast.recipe import RunConfig
from contrast_ucb.compare import BASELINES, regrets
from contrast_ucb.games import Game
from contrast_ucb.mdp import MDP, Array
from contrast_ucb.pictures import step_grid

SINGLE = (
    "Regret is exact: the optimal value less that of each deployed policy, by dynamic programming; "
    "one policy an iteration."
)
GAME = (
    "Regret is exploitability, exact by dynamic programming: what the best replies to the two "
    "players' parts are apart."
)
LAST = 50  # iterations over which the regret at the end is averaged


def metrics_of(parts: Parts) -> dict[str, float | None]:
    """Regret in all and at the end, episodes, error of the learnt model where policies go."""
    sampler, mdp = parts.sampler, parts.data
    regret = sampler.regret
    model, _ = sampler.believed(parts.encoder)
    return {
        "regret": sum(regret),
        "regret/last": float(np.mean(regret[-LAST:])) if regret else None,
        "value": mdp.value(sampler.policy),
        "value/optimal": mdp.optimal_value,
        "model_error": model_error(mdp, model, sampler.policy),
        "episodes": len(regret) * mdp.horizon,
    }


def model_error(mdp: MDP, model: Array, policy: Array) -> float:
    """Mean total variation to the true kernel: states as the policy meets them, all actions."""
    distance = abs(model - mdp.transitions).sum(-1).mean(-1) / 2
    return float((mdp.visits(policy) * distance).sum() / mdp.horizon)


def evaluate_exploration(parts: Parts, config: RunConfig, at: Moment) -> Evaluation:
    """The metrics, the baselines, and maps of visits and bonus."""
    metrics, sampler = metrics_of(parts), parts.sampler
    own, others = config.chosen["sampler"].name, config.evaluation.compare
    groups = {f"{own}, this run" if own in others else own: [sampler.regret]}
    for name in others if sampler.regret else ():
        groups[name] = [
            regrets(name, parts.data, config, replace(at, seed=seed), len(sampler.regret))
            for seed in range(config.evaluation.seeds)
        ]
    return Evaluation(
        metrics,
        tables=(regret_table(groups),) if sampler.regret else (),
        drawings=tuple(drawings(parts, groups)) if sampler.regret else (),
        notes=(GAME if isinstance(parts.data, Game) else SINGLE,),
    )


def regret_table(groups: dict[str, list[list[float]]]) -> Table:
    """Each agent's regret, with its spread over seeds; the first is the run's own."""
    rows = []
    for number, (name, runs) in enumerate(groups.items()):
        total, last = [sum(r) for r in runs], [float(np.mean(r[-LAST:])) for r in runs]
        what = BASELINES[name][2] if number else "this run"
        spread = float(np.std(total, ddof=1)) if len(runs) > 1 else None
        rows.append((name, what, float(np.mean(total)), spread, float(np.mean(last)), len(runs)))
    columns = ("agent", "what it is", "regret", "deviation", f"mean of the last {LAST}", "seeds")
    return Table("Regret", columns, tuple(rows))


def drawings(parts: Parts, groups: dict[str, list[list[float]]]) -> list[Drawing]:
    """Regret summed up over iterations, visits by step and state, and the bonus that is left."""
    from contrast.reporting.figures import overlay

    summed = {
        name: [(range(1, len(run) + 1), np.cumsum(run)) for run in runs]
        for name, runs in groups.items()
    }
    bonus = parts.sampler.optimistic(parts.encoder).bonus
    visited = parts.sampler.visited.sum(-1)
    return [
        Drawing("Regret summed up, by iteration", overlay(summed, name="regret"), wide=True),
        Drawing(
            "Visits", step_grid(np.log1p(visited)), "log(1 + visits): steps down, states across"
        ),
        Drawing("Bonus", step_grid(bonus.max(-1)), "the largest of a state's actions, at the end"),
    ]
