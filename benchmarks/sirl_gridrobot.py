"""SIRL and its baselines on GridRobot: errors and accuracies over seeds, as the docs quote them.

    python benchmarks/sirl_gridrobot.py table     methods and variants at 500 and 1000 queries
    python benchmarks/sirl_gridrobot.py noise     people who err, at 1000 queries
    python benchmarks/sirl_gridrobot.py active    chosen questions beside random ones

A number after the word is how many seeds, 5 unless given.

Each seed has a split, questions, people and initial weights of its own. 20 people, 100
preferences of rationality 10 each.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator

import torch

from contrast.engine.randomness import generator
from contrast_sirl.active import SURPRISE, most_informative
from contrast_sirl.baselines import (
    Bench,
    fit_preferences_end_to_end,
    fit_sirl,
    fit_vae,
    simulated_answers,
    triplet_loss,
)
from contrast_sirl.compare import PEOPLE, Exam, Row, fit_embedding, untrained
from contrast_sirl.data import gridrobot
from contrast_sirl.human import alike, draw_people
from contrast_sirl.metrics import Examination
from contrast_sirl.objective import choice_cross_entropy

SEEDS = 5
QUERIES = (500, 1000)
NOISE = (3.0, 10.0, 30.0, 100.0, None)
ROUND, MEMBERS, ROUND_STEPS = 50, 4, 800
VARIANTS = {
    "sirl": (triplet_loss(), {}),
    "sirl squared": (triplet_loss(squared=True), {}),
    "sirl choice_ce": (choice_cross_entropy, {}),
    "sirl one-sided, anchor, margin .1": (
        triplet_loss(symmetric=False, margin=0.1),
        {"rule": "anchor"},
    ),
}


def exam(seed: int) -> Exam:
    """Trajectories, split and people of a seed."""

    def draw(what: str) -> torch.Generator:
        return generator("sirl", seed, what)

    data = gridrobot(generator=draw("data"), features="paper4", held_out=0.2, scale_by="all")
    x = torch.cat([data.steps.flatten(1), data.constants], dim=1)
    people = draw_people(20, data.features.shape[1], draw("people"))
    return Exam(Bench(x, data.features, data.train), data.test, Examination(people), draw)


def table(given: Exam) -> Iterator[Row]:
    """Every method at every number of queries."""
    bench = given.bench
    yield from untrained(given)
    yield given.row("vae", None, fit_embedding(bench, fit_vae(bench, 1, given.draw("vae"))))
    for count in QUERIES:
        for name, (loss, how) in VARIANTS.items():
            draw = given.draw(f"{name}/{count}")
            answers = simulated_answers(bench, 1, count, draw, **how)
            encoders, restarts = fit_sirl(bench, answers, loss, draw)
            if restarts:
                print(f"{name}, {count} queries: {restarts} restarts of dead units", flush=True)
            yield given.row(name, count, bench.embed(encoders)[0])
        for name, people in PEOPLE.items():
            draw = given.draw(f"{name}/{count}")
            encoders = fit_preferences_end_to_end(bench, 1, people, count, draw)
            yield given.row(name, count, bench.embed(encoders)[0])


def noise(given: Exam) -> Iterator[Row]:
    """The method on answers of people of each rationality, by both kinds of losses."""
    for rationality in NOISE:
        for name in ("sirl", "sirl choice_ce"):
            draw = given.draw(f"{name}/{rationality}")
            answers = simulated_answers(given.bench, 1, 1000, draw, rationality=rationality)
            encoders, _ = fit_sirl(given.bench, answers, VARIANTS[name][0], draw)
            z = given.bench.embed(encoders)[0]
            yield given.row(f"{name}, rationality {rationality}", 1000, z)


def active(given: Exam) -> Iterator[Row]:
    """Random questions, and those on which an ensemble disagrees."""
    bench = given.bench
    quick = Bench(bench.x, bench.features, bench.train, steps=ROUND_STEPS)
    for count in (300, 600, 1000):
        draw = given.draw(f"random/{count}")
        encoders, _ = fit_sirl(bench, simulated_answers(bench, 1, count, draw), SURPRISE, draw)
        yield given.row("random questions", count, bench.embed(encoders)[0])
    draw = given.draw("active")
    answers = simulated_answers(bench, 1, 100, draw)[0]
    while len(answers) < 600:
        members, _ = fit_sirl(quick, answers.expand(MEMBERS, -1, -1), SURPRISE, draw)
        asked = most_informative(bench.embed(members), bench.train, ROUND, generator=draw)
        answers = torch.cat([answers, asked.gather(1, alike(bench.features[asked]))])
        if len(answers) in (300, 600):
            encoders, _ = fit_sirl(bench, answers[None], SURPRISE, draw)
            yield given.row("chosen questions", len(answers), bench.embed(encoders)[0])


def show(rows: dict[tuple[str, int | None], list[Row]]) -> None:
    """Mean and deviation over the seeds."""
    for (method, queries), found in sorted(rows.items(), key=lambda item: str(item[0][1])):
        cells = []
        for what in ("fpe", "tpa"):
            values = [getattr(row, what) for row in found]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{what.upper()} {statistics.mean(values):.4f} ± {spread:.4f}")
        print(f"{queries or '-':>5}  {method:36s}  {'   '.join(cells)}   ({len(found)} seeds)")


def main() -> None:
    """Run one of the three over all seeds."""
    torch.set_num_threads(1)
    what = {"table": table, "noise": noise, "active": active}[sys.argv[1]]
    rows: dict[tuple[str, int | None], list[Row]] = defaultdict(list)
    for seed in range(int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS):
        for row in what(exam(seed)):
            rows[row.method, row.queries].append(row)
        print(f"after seed {seed}", flush=True)
        show(rows)


if __name__ == "__main__":
    main()
