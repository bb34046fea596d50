import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.nn.functional import logsigmoid, softplus

from contrast.forms import Differ
from contrast.primitives import pair_sums as module
from contrast.primitives import tiles
from contrast.primitives.pair_sums import pair_sum, softplus_against
from contrast.primitives.structure import LogWeight, OffDiagonal

N, M, D = 11, 13, 4


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "CPU_TILE", (3, 5))
    monkeypatch.setattr(module, "SMALL", 0)


def rows(n, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, D, generator=generator, dtype=torch.float64).to(dtype)


def inputs():
    return rows(N).requires_grad_(), rows(M, seed=1).requires_grad_()


def same(found, expected, tensors):
    torch.testing.assert_close(found, expected)
    for x, y in zip(
        *(torch.autograd.grad(2 * z, tensors, retain_graph=True) for z in (found, expected)),
        strict=True,
    ):
        torch.testing.assert_close(x, y)


def test_siglip_is_all_pairs_as_negatives_put_right_on_the_diagonal():
    q, k = inputs()
    q, k = q, k[:N]
    bias = torch.tensor(-0.5, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    found = pair_sum(scale * q, k, lambda s, b: softplus(s + b), parameters=(bias,))
    found = found - (scale * (q * k).sum(1) + bias).sum()
    signs = 2 * torch.eye(N, dtype=torch.float64) - 1
    expected = -logsigmoid(signs * (scale * q @ k.T + bias)).sum()
    same(found, expected, (q, k, bias, scale))


def test_triplet_has_a_value_of_each_row_and_leaves_its_positive_out():
    a, k = inputs()
    positive = (a * k[:N]).sum(1)
    found = pair_sum(
        a, k, lambda s, p: torch.relu(s - p + 0.2), rows=(positive,), weights=(OffDiagonal(),)
    )
    each = torch.relu(a @ k.T - positive[:, None] + 0.2)
    same(found, each.sum() - each.diagonal().sum(), (a, k))


def test_mann_whitney_compares_every_score_with_every_positive():
    a, k = inputs()
    levels = (a * k[:N]).sum(1)

    def overtakes(scores, levels):
        return softplus_against(scores, levels, 0.5)

    found = pair_sum(a, k, overtakes, parameters=(levels,), weights=(OffDiagonal(),))
    each = softplus(((a @ k.T)[:, :, None] - levels) / 0.5).sum(2)
    same(found, each.sum() - each.diagonal().sum(), (a, k))


def test_values_of_columns_distances_and_relations():
    a, k = inputs()
    c = torch.linspace(0.5, 2, M, dtype=torch.float64).requires_grad_()
    ids, others = torch.arange(N) % 3, torch.arange(M) % 3
    found = pair_sum(
        a,
        k,
        lambda s, c: (s * c).exp(),
        columns=(c,),
        score="distance",
        weights=(Differ(ids, others),),
    )
    distances = (a[:, None] - k).square().sum(2)
    same(found, ((-distances * c).exp() * (ids[:, None] != others)).sum(), (a, k, c))


def test_gradcheck_and_the_gradient_of_the_gradient():
    def total(a, k, r, p):
        def each(s, r, p):
            return softplus_against(s * r, p, 0.7)

        return pair_sum(a, k, each, rows=(r,), parameters=(p,), weights=(OffDiagonal(),))

    tensors = (rows(4), rows(6, seed=1), rows(4, seed=2)[:, 0], rows(3, seed=3)[:, 0])
    tensors = tuple(t.clone().requires_grad_() for t in tensors)
    assert gradcheck(total, tensors)
    assert gradgradcheck(total, tensors)


def test_only_what_needs_a_gradient_gets_one():
    a, k = rows(N).requires_grad_(), rows(M, seed=1)
    found = pair_sum(a, k, softplus)
    torch.testing.assert_close(
        torch.autograd.grad(found, a)[0], torch.sigmoid(a @ k.T).detach() @ k
    )
    assert not pair_sum(a.detach(), k, softplus).requires_grad
    with torch.no_grad():
        torch.testing.assert_close(pair_sum(a, k, softplus), found.detach())


def test_a_pass_without_gradients_leaves_a_parameter_learning():
    bias = torch.tensor(-0.5, dtype=torch.float64, requires_grad=True)
    with torch.no_grad():
        pair_sum(*inputs(), lambda s, b: softplus(s + b), parameters=(bias,))
    assert bias.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_float32(dtype):
    a = rows(N, dtype=dtype).requires_grad_()
    found = pair_sum(a, rows(M, seed=1, dtype=dtype), softplus)
    assert found.dtype == torch.float32
    assert torch.autograd.grad(found, a)[0].dtype == dtype


def test_products_in_bfloat16_round_nothing_but_the_slopes(monkeypatch):
    a, k = (x.detach().bfloat16().requires_grad_() for x in inputs())
    plainly = pair_sum(a, k, softplus, weights=(OffDiagonal(),))
    monkeypatch.setattr(module, "in_halves", lambda a, k, score: a.dtype)
    found = pair_sum(a, k, softplus, weights=(OffDiagonal(),))
    torch.testing.assert_close(found, plainly, rtol=1e-6, atol=0)
    for x, y in zip(*(torch.autograd.grad(z, (a, k)) for z in (found, plainly)), strict=True):
        assert (x.float() - y.float()).abs().max() <= 1e-2 * y.float().abs().max()


def test_what_does_not_fit_is_refused():
    a, k = inputs()
    with pytest.raises(ValueError, match=r"rows must be \(11,\), got \(13,\)"):
        pair_sum(a, k, softplus, rows=(torch.ones(M),))
    with pytest.raises(ValueError, match="takes no log-weights"):
        pair_sum(a, k, softplus, weights=(LogWeight(torch.zeros(N, M)),))


def test_no_levels_give_nothing_and_gradient_zero():
    scores = torch.randn(3, 4, requires_grad=True)
    levels = torch.empty(0, requires_grad=True)
    softplus_against(scores, levels).sum().backward()
    assert not scores.grad.any()
    assert levels.grad.shape == (0,)
