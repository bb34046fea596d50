"""SIRL and its baselines on the Jaco arm, in the setting of the prototype, over three seeds.

    python benchmarks/sirl_jaco.py

2000 trajectories of 100 pairs of poses, 27 numbers a waypoint, split at random; 1000 queries,
hidden width 256, learning rate 0.001, 1500 steps; 10 people with 100 preferences of rationality 20.
"""

from __future__ import annotations

from collections import defaultdict

import torch

from contrast.engine.randomness import generator
from contrast_sirl.baselines import Bench, fit_sirl, simulated_answers, triplet_loss
from contrast_sirl.compare import Exam, Row, trained, untrained
from contrast_sirl.data import jaco
from contrast_sirl.human import draw_people
from contrast_sirl.metrics import Examination
from contrast_sirl.objective import choice_cross_entropy

SEEDS = range(3)
QUERIES = 1000
SETTING = {
    "trajectories": 2000,
    "pairs": 100,
    "radius": 0.8,
    "joints": False,
    "split_by": "trajectory",
    "held_out": 0.2,
    "scale_by": "all",
}


def exam(seed: int) -> Exam:
    """Trajectories, split and people of a seed."""

    def draw(what: str) -> torch.Generator:
        return generator("sirl-jaco", seed, what)

    data = jaco(generator=draw("data"), **SETTING)
    people = draw_people(10, data.features.shape[1], draw("people"))
    bench = Bench(
        data.steps.flatten(1), data.features, data.train, 256, lr=1e-3, steps=1500, rationality=20
    )
    return Exam(bench, data.test, Examination(people, rationality=20), draw)


def variants(given: Exam) -> list[Row]:
    """The method with its other losses."""
    rows = []
    for name, loss in (
        ("sirl squared", triplet_loss(squared=True)),
        ("sirl choice_ce", choice_cross_entropy),
    ):
        draw = given.draw(name)
        answers = simulated_answers(given.bench, 1, QUERIES, draw)
        encoders, _ = fit_sirl(given.bench, answers, loss, draw)
        rows.append(given.row(name, QUERIES, given.bench.embed(encoders)[0]))
    return rows


def main() -> None:
    """All seeds."""
    from sirl_gridrobot import show

    torch.set_num_threads(1)
    rows: dict[tuple[str, int | None], list[Row]] = defaultdict(list)
    for seed in SEEDS:
        given = exam(seed)
        for row in [
            *untrained(given),
            *trained(given, [QUERIES], triplet_loss()),
            *variants(given),
        ]:
            rows[row.method, row.queries].append(row)
        print(f"after seed {seed}", flush=True)
        show(rows)


if __name__ == "__main__":
    main()
