import numpy as np
import pytest
import torch
from scipy.stats import kendalltau, spearmanr
from sklearn.metrics import ndcg_score

from contrast.evaluation import kendall, ndcg, pairwise_accuracy, spearman


def lists(n=12, k=7, seed=0):
    g = torch.Generator().manual_seed(seed)
    scores = torch.randn(n, k, generator=g).mul(2).round()  # rounded, so that some tie
    return scores, torch.randint(0, 4, (n, k), generator=g)


@pytest.mark.parametrize(("ours", "theirs"), [(kendall, kendalltau), (spearman, spearmanr)])
def test_correlations_agree_with_scipy(ours, theirs):
    scores, targets = lists()
    each = [theirs(s, t).statistic for s, t in zip(scores, targets, strict=True)]
    assert ours(scores, targets) == pytest.approx(np.mean(each))


@pytest.mark.parametrize("k", [None, 3])
def test_ndcg_agrees_with_scikit_learn_ties_included(k):
    scores, targets = lists()
    assert ndcg(scores, targets, k=k) == pytest.approx(ndcg_score(targets, scores, k=k))
    exponential = ndcg_score(2**targets - 1, scores, k=k)
    assert ndcg(scores, targets, k=k, gain="exponential") == pytest.approx(exponential)


def test_pairwise_accuracy_counts_pairs_of_different_targets():
    scores = torch.tensor([[3.0, 2.0, 2.0]])
    assert pairwise_accuracy(scores, torch.tensor([[2, 1, 0]])) == pytest.approx(2.5 / 3)
    assert pairwise_accuracy(-scores, torch.tensor([[1, 0, 0]])) == 0


@pytest.mark.parametrize("metric", [pairwise_accuracy, kendall, spearman, ndcg])
def test_padding_changes_nothing(metric):
    scores, targets = lists()
    wide = torch.nn.functional.pad(scores, (0, 2), value=torch.nan)
    mask = torch.nn.functional.pad(torch.ones_like(scores), (0, 2)).bool()
    padded = torch.nn.functional.pad(targets, (0, 2), value=-1)
    assert metric(wide, padded, mask) == pytest.approx(metric(scores, targets), abs=1e-12)


@pytest.mark.parametrize("metric", [pairwise_accuracy, kendall, spearman, ndcg])
def test_lists_that_rank_nothing_are_left_out(metric):
    scores, targets = lists()
    more = torch.cat([targets, torch.zeros(2, 7, dtype=targets.dtype)])
    both = metric(torch.cat([scores, scores[:2]]), more)
    assert both == pytest.approx(metric(scores, targets), abs=1e-12)
    assert metric(scores, torch.zeros_like(targets)) is None


def test_unfit_input_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="one filled shape"):
        kendall(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="finite"):
        spearman(torch.full((2, 3), torch.nan), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=">= 0, got -1"):
        ndcg(torch.zeros(1, 2), torch.tensor([[-1, 1]]))
