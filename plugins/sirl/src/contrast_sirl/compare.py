"""All baselines beside the method, at several numbers of queries, examined alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from contrast_sirl.baselines import (
    Bench,
    Loss,
    fit_preferences_end_to_end,
    fit_sirl,
    fit_vae,
    principal_components,
    simulated_answers,
)
from contrast_sirl.human import Rule
from contrast_sirl.metrics import Examination, feature_error, preference_accuracy

PEOPLE = {"single_pref": 1, "multi_pref_10": 10, "multi_pref_50": 50}
Draw = Callable[[str], Generator]


@dataclass(frozen=True)
class Row:
    """What a method reached: its queries (None: it takes none), FPE and mean TPA."""

    method: str
    queries: int | None
    fpe: float
    tpa: float


@dataclass(frozen=True)
class Exam:
    """Tests an embedding of all trajectories, (N, D); everybody gets the same questions."""

    bench: Bench
    test: Tensor
    how: Examination
    draw: Draw

    def row(self, method: str, queries: int | None, z: Tensor) -> Row:
        """The row of one embedding."""
        features, train, test = self.bench.features, self.bench.train, self.test
        error = feature_error(z[train], features[train], z[test], features[test])
        right = preference_accuracy(
            z, features, train, test, self.how, generator=self.draw("examination")
        )
        return Row(method, queries, float(error.total), float(right.mean()))


def untrained(exam: Exam) -> list[Row]:
    """What needs no training: a random encoder, components, the raw numbers, the truth."""
    bench = exam.bench
    random = bench.embed(bench.encoders(1, exam.draw("random")))[0]
    return [
        exam.row("oracle", None, bench.features),
        exam.row("raw", None, bench.x),
        exam.row("pca", None, principal_components(bench)[0]),
        exam.row("random", None, random),
    ]


# An evaluation runs without gradients; the baselines are trainings of their own.
@torch.inference_mode(False)
@torch.enable_grad()
def trained(
    exam: Exam,
    queries: Sequence[int],
    loss: Loss,
    known: Row | None = None,
    *,
    rule: Rule = "closest_pair",
    rationality: float | None = None,
) -> list[Row]:
    """The method (unless `known` at that number) and the baselines at each number of queries.

    `rule` and `rationality` are of the person who answers the method's questions; see `alike`.
    """
    bench = exam.bench
    rows = [exam.row("vae", None, fit_embedding(bench, fit_vae(bench, 1, exam.draw("vae"))))]
    for count in queries:
        if known is not None and known.queries == count:
            rows.append(known)
        else:
            draw = exam.draw(f"sirl/{count}")
            answers = simulated_answers(bench, 1, count, draw, rule=rule, rationality=rationality)
            encoders, _ = fit_sirl(bench, answers, loss, draw)
            rows.append(exam.row("sirl", count, bench.embed(encoders)[0]))
        for method, people in PEOPLE.items():
            draw = exam.draw(f"{method}/{count}")
            encoders = fit_preferences_end_to_end(bench, 1, people, count, draw)
            rows.append(exam.row(method, count, bench.embed(encoders)[0]))
    return rows


def fit_embedding(bench: Bench, encoders: torch.nn.Module) -> Tensor:
    """The mean code of a variational autoencoder, (N, D)."""
    return bench.embed(encoders)[0].chunk(2, dim=-1)[0]


def series(rows: Sequence[Row], what: str) -> dict[str, tuple[list[int], list[float]]]:
    """Curves over the number of queries; what takes none is a level line."""
    counts = sorted({row.queries for row in rows if row.queries is not None})
    found: dict[str, tuple[list[int], list[float]]] = {}
    for method in dict.fromkeys(row.method for row in rows):
        own = sorted((row.queries or 0, getattr(row, what)) for row in rows if row.method == method)
        if own[0][0] == 0:
            own = [(count, own[0][1]) for count in (counts[0], counts[-1])]
        found[method] = ([count for count, _ in own], [value for _, value in own])
    return found
