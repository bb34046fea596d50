import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from contrast.engine.randomness import generator
from contrast.evaluation import ranks, retrieval_scores
from contrast.evaluation.retrieval import embedding_ranks


def example(seed=0, n=20, m=15):
    g = torch.Generator().manual_seed(seed)
    scores = torch.randn(n, m, generator=g)
    order = torch.rand(n, m, generator=g).argsort(1)[:, :4]
    order[torch.arange(n) % 3 == 0, 2:] = -1
    return scores, order


def test_metrics_agree_with_scikit_learn():
    scores, relevant = example()
    truth = torch.zeros(len(scores), 16).scatter_(1, relevant.masked_fill(relevant < 0, 15), 1)
    truth = truth[:, :15].numpy()
    found = retrieval_scores(ranks(scores, relevant), k=(3, 15))
    each = [average_precision_score(t, s) for t, s in zip(truth, scores.numpy(), strict=True)]
    assert found["map"] == pytest.approx(np.mean(each))
    assert found["ndcg/3"] == pytest.approx(ndcg_score(truth, scores.numpy(), k=3))
    assert found["ndcg/15"] == pytest.approx(ndcg_score(truth, scores.numpy()))
    top = scores.topk(3).indices.numpy()
    hits = np.take_along_axis(truth, top, 1)
    assert found["recall/3"] == pytest.approx(np.mean(hits.sum(1) / truth.sum(1)))
    assert found["hit/3"] == pytest.approx(np.mean(hits.any(1)))
    first = np.take_along_axis(truth, scores.argsort(descending=True).numpy(), 1).argmax(1)
    assert found["mrr"] == pytest.approx(np.mean(1 / (1 + first)))


def test_ties_with_irrelevant_candidates_count_half_or_whole():
    scores = torch.tensor([[1.0, 1.0, 1.0, 2.0, 0.0]])
    assert ranks(scores, torch.tensor([0])).tolist() == [[3.0]]
    assert ranks(scores, torch.tensor([0]), "pessimistic").tolist() == [[4.0]]


def test_equal_scores_earn_nothing_by_the_order_of_the_catalogue():
    first = ranks(torch.zeros(1, 9), torch.tensor([0]))
    last = ranks(torch.zeros(1, 9), torch.tensor([8]))
    assert first.tolist() == last.tolist() == [[5.0]]


def test_relevant_candidates_do_not_stand_in_one_anothers_way():
    assert ranks(torch.zeros(1, 3), torch.tensor([[2, 0, 1]])).tolist() == [[1.0, 2.0, 3.0]]
    perfect = retrieval_scores(ranks(torch.zeros(1, 3), torch.tensor([[2, 0, 1]])), k=(2,))
    assert perfect == {
        "hit/2": 1,
        "recall/2": pytest.approx(2 / 3),
        "ndcg/2": 1,
        "mrr": 1,
        "map": 1,
    }


def test_excluded_candidates_are_behind_all():
    scores = torch.tensor([[-torch.inf, -5.0, -torch.inf]])
    assert ranks(scores, torch.tensor([1])).tolist() == [[1.0]]


def test_queries_without_a_relevant_candidate_are_left_out():
    scores = torch.tensor([[3.0, 2.0], [3.0, 2.0]])
    found = retrieval_scores(ranks(scores, torch.tensor([-1, 1])), k=(1,))
    assert found == {"hit/1": 0, "recall/1": 0, "ndcg/1": 0, "mrr": 0.5, "map": 0.5}
    nothing = retrieval_scores(ranks(scores, torch.tensor([-1, -1])), k=(1,))
    assert set(nothing.values()) == {None}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["mean", "pessimistic"]))
def test_metrics_stay_in_the_unit_interval_and_ranks_are_distinct(seed, ties):
    scores, relevant = example(seed, n=6, m=8)
    found = ranks(scores.round(), relevant, ties)
    for row in found:
        row = row[row.isfinite()]
        assert (row.diff() >= 1).all()
    assert all(0 <= v <= 1 for v in retrieval_scores(found, k=(1, 3, 30)).values())


def test_chunks_of_queries_give_the_ranks_of_all():
    g = torch.Generator().manual_seed(0)
    q, c = torch.randn(11, 4, generator=g), torch.randn(7, 4, generator=g)
    relevant = torch.arange(11) % 7
    whole = ranks(q @ c.T, relevant)
    assert torch.equal(embedding_ranks(q, c, relevant, chunk=3), whole)


@pytest.mark.parametrize(
    ("scores", "relevant", "message"),
    [
        (torch.zeros(2, 3), torch.tensor([0]), "must have one N"),
        (torch.zeros(1, 3), torch.tensor([3]), "candidate 3, but there are 3"),
        (torch.full((1, 3), torch.nan), torch.tensor([0]), "NaN"),
        (torch.zeros(1, 3), torch.tensor([[1, 1]]), "twice"),
        (torch.full((1, 3), -torch.inf), torch.tensor([0]), "excludes it"),
    ],
)
def test_unfit_input_is_refused_with_a_sentence(scores, relevant, message):
    with pytest.raises(ValueError, match=message):
        ranks(scores, relevant)


@pytest.mark.parametrize("ties", ["mean", "pessimistic"])
def test_one_relevant_candidate_ranks_as_among_several(ties):
    scores = torch.randint(0, 6, (40, 12), generator=generator("one")).double()
    scores[:5, 3] = -torch.inf
    wanted = torch.arange(40) % 12
    wanted[wanted == 3] = -1
    several = torch.stack([wanted, torch.full_like(wanted, -1)], 1)
    assert torch.equal(ranks(scores, wanted, ties)[:, 0], ranks(scores, several, ties)[:, 0])
