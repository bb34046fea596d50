"""Scores of mixtures against mixtures that are written out."""

import pytest
import torch
from torch.nn.functional import normalize

from contrast.primitives import mixup
from contrast.primitives.mixup import mixed_between, mixed_with_anchor


def rows(n=9, d=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, d, generator=generator, dtype=torch.float64, requires_grad=True)


LABELS = torch.tensor([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0]).double()


def plain_between(z, labels, window, temperature):
    """Every mixture as a vector, without gradient, as the paper has it."""
    keys = z.detach()
    lse, total, count = [], [], []
    for i, y in enumerate(labels):
        mixtures = [
            a * keys[j] + (1 - a) * keys[k]
            for j, low in enumerate(labels)
            for k, high in enumerate(labels)
            if 0 < y - low < window and 0 < high - y < window
            for a in [(high - y) / (high - low)]
        ]
        x = torch.stack([z[i] @ m for m in mixtures]) / temperature if mixtures else z[i, :0]
        lse.append(x.logsumexp(0) if mixtures else x.new_tensor(-torch.inf))
        total.append(x.sum())
        count.append(len(mixtures))
    return torch.stack(lse), torch.stack(total), torch.tensor(count)


@pytest.mark.parametrize("tile", [1, 20, 2**20])
@pytest.mark.parametrize("window", [1.5, 3.0, 100.0])
def test_mixtures_between_labels_are_those_written_out(tile, window, monkeypatch):
    monkeypatch.setattr(mixup, "TILE", tile)
    z = rows()
    unit = normalize(z, dim=1)
    found = mixed_between(unit @ unit.detach().T / 0.3, LABELS, window)
    lse, total, count = plain_between(unit, LABELS, window, 0.3)
    assert torch.equal(found.count, count)
    torch.testing.assert_close(found.lse, lse)
    torch.testing.assert_close(found.total, total)
    has = count > 0
    weight = torch.linspace(1, 2, len(z), dtype=torch.float64)
    gradients = [
        torch.autograd.grad(
            (each[has] * weight[has]).sum() + (sums * weight).sum(), z, retain_graph=True
        )[0]
        for each, sums in ((found.lse, found.total), (lse, total))
    ]
    torch.testing.assert_close(*gradients)


def test_gradcheck():
    scores = torch.randn(9, 9, dtype=torch.float64, requires_grad=True)

    def statistics(scores):
        found = mixed_between(scores, LABELS, 4.0)
        return found.lse[found.count > 0], found.total

    assert torch.autograd.gradcheck(statistics, scores)


def test_window_is_strict_and_integer_labels_will_do():
    labels = torch.arange(5)
    scores = torch.zeros(5, 5)
    assert mixed_between(scores, labels, 1.0).count.tolist() == [0] * 5
    assert mixed_between(scores, labels, 2.0).count.tolist() == [0, 1, 1, 1, 0]
    assert mixed_between(scores, labels, 0.0).lse.tolist() == [-torch.inf] * 5


def test_order_of_samples_does_not_matter():
    z, order = rows().detach(), torch.randperm(9, generator=torch.Generator().manual_seed(1))
    found = mixed_between(z @ z.T, LABELS, 3.0)
    moved = mixed_between(z[order] @ z[order].T, LABELS[order], 3.0)
    torch.testing.assert_close(moved.lse, found.lse[order])


def test_several_problems_in_step_are_each_what_they_are_alone():
    generator = torch.Generator().manual_seed(2)
    scores = torch.randn(3, 9, 9, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.stack([LABELS, LABELS.flip(0), torch.arange(9.0).double() / 2])
    found = mixed_between(scores, labels, 3.0)
    for i in range(3):
        alone = mixed_between(scores[i], labels[i], 3.0)
        assert torch.equal(found.count[i], alone.count)
        torch.testing.assert_close(found.lse[i], alone.lse)
        wanted, own = (
            torch.autograd.grad(total.sum(), scores, retain_graph=True)[0][i]
            for total in (alone.total, found.total)
        )
        torch.testing.assert_close(own, wanted)


def test_labels_that_all_agree_have_no_mixture_and_no_gradient():
    scores = torch.randn(4, 4, requires_grad=True)
    found = mixed_between(scores, torch.ones(4), 5.0)
    assert found.count.sum() == 0
    (gradient,) = torch.autograd.grad(found.total.sum() + found.lse.exp().sum(), scores)
    assert torch.equal(gradient, torch.zeros(4, 4))


def test_half_precision_is_summed_in_float32():
    z = normalize(rows().detach(), dim=1)
    scores = (z @ z.T).to(torch.bfloat16)
    found, wide = mixed_between(scores, LABELS, 4.0), mixed_between(scores.double(), LABELS, 4.0)
    assert found.lse.dtype == torch.float32
    torch.testing.assert_close(found.lse.double(), wide.lse, rtol=1e-5, atol=1e-5)


def test_mixtures_with_the_anchor_are_those_written_out():
    z = rows()
    share = torch.rand(9, 9, dtype=torch.float64)
    found = mixed_with_anchor(z @ z.detach().T, share)
    keys = z.detach()
    mixtures = share[..., None] * keys[:, None] + (1 - share[..., None]) * keys
    written = (z[:, None] * mixtures).sum(-1)
    torch.testing.assert_close(found, written)
    gradients = [torch.autograd.grad(x.square().sum(), z)[0] for x in (found, written)]
    torch.testing.assert_close(*gradients)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="scores and labels must be"):
        mixed_between(torch.zeros(3, 4), torch.zeros(3), 1.0)
