from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from contrast.engine.randomness import generator, seeded
from contrast.interfaces import Parts
from contrast.testing.vectors import assert_close, vector_cases
from contrast_mclrec.encoder import SASRec
from contrast_mclrec.evaluate import evaluate, metrics, popular_ranks, rank, validate
from contrast_mclrec.sampler import histories


class Fixed(nn.Module):
    """Scores that are given."""

    def __init__(self, scores):
        super().__init__()
        self.scores_of = nn.Parameter(scores)

    def scores(self, batch):
        yield from self.scores_of.split(3)


@dataclass
class OneSweep:
    """A sampler whose only batch asks for given targets."""

    targets: torch.Tensor

    def sweep(self, split):
        yield self


def fixed(scores, targets):
    scores = torch.tensor(scores, dtype=torch.float64)
    return Parts(None, OneSweep(torch.tensor(targets)), Fixed(scores), None)


def metric_cases():
    return [p for p in vector_cases(__file__, "mclrec") if p.values[0] and "scores" in p.values[0]]


@pytest.mark.parametrize("case", metric_cases())
def test_ranks_and_metrics_equal_their_vector(case):
    scores = [row[1:] for row in case["scores"]]
    found = rank(fixed(scores, case["target"]), "test").rank
    assert (found - 1).tolist() == case["zero_based_rank"]
    values = metrics(found, sorted({int(name.partition("@")[2]) for name in case["expected"]}))
    for name, value in case["expected"].items():
        found = torch.tensor(values[name.lower().replace("@", "/")], dtype=torch.float64)
        assert_close(found, value, 1e-9, name)


def test_a_constant_scorer_earns_nothing():
    found = rank(fixed(np.zeros((4, 7)).tolist(), [1, 2, 3, 4]), "test").rank
    assert found.tolist() == [7, 7, 7, 7]


def test_scores_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        rank(fixed([[0.0, float("nan")]], [1]), "test")


@pytest.fixture
def parts(log):
    with seeded(0):
        encoder = SASRec(items=log.catalogue, max_length=6, width=8, inner=8).eval()
    for p in encoder.parameters():
        p.requires_grad_(False)
    return Parts(log, histories(log, generator=generator(0), max_length=6), encoder, None)


def test_report_has_accuracy_beyond_it_and_by_length(parts, log):
    found = evaluate(parts, (1, 5))
    assert 0 <= found.metrics["hr/1"] <= found.metrics["hr/5"] <= 1
    assert found.metrics["mrr/1"] == found.metrics["hr/1"] == found.metrics["ndcg/1"]
    assert "popular/hr/5" in found.metrics
    titles = [table.title for table in found.tables]
    assert titles == ["Next item, full ranking", "Beyond accuracy", "By length of the history"]
    assert sum(row[1] for row in found.tables[2].rows) == len(log.split.test)
    assert "leave-one-out" in found.notes[0]
    assert any("fewer than 3" in note for note in found.notes)
    assert found.maps[0].z.shape == (log.catalogue, 8)
    assert found.maps[0].labels.tolist() == log.popularity[1:].tolist()


def test_ranks_are_those_of_a_sort(parts, log):
    found, (batch,) = rank(parts, "test", best=3), parts.sampler.sweep("test")
    scores = torch.cat(list(parts.encoder.scores(batch)))
    order = scores.argsort(1, descending=True) + 1
    expected = (order == batch.targets[:, None]).nonzero()[:, 1] + 1
    assert (found.rank == expected.numpy()).all()
    assert (found.best == order[:, :3].numpy()).all()


def test_validation_ranks_the_event_before(parts, log):
    assert validate(parts, (5,)) == metrics(rank(parts, "valid").rank, (5,))
    assert validate(parts, (5,)) != metrics(rank(parts, "test").rank, (5,))


def test_popularity_ranks_by_counts_with_ties_against_the_target(log):
    counts = log.popularity[1:]
    targets = log.items[log.split.test]
    expected = [(counts >= counts[t - 1]).sum() for t in targets]
    assert popular_ranks(log, log.split.test).tolist() == expected


def test_coverage_counts_distinct_items(parts, log):
    found, first = evaluate(parts, (1,)), rank(parts, "test", best=1).best
    assert found.metrics["coverage/1"] == len(set(first[:, 0])) / log.catalogue


def test_no_event_has_no_metric():
    assert set(metrics(np.array([]), (1,)).values()) == {None}
