"""Rank-N-Contrast against its reference vector, a loop from its equation, and at its edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import contrast.objectives.rank_n_contrast as module
from contrast.forms import Views
from contrast.objectives.rank_n_contrast import RankNContrast, rank_n_contrast
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, targets, temperature):
    """The loss of each row."""
    rows = z.flatten(0, 1)
    y = targets.reshape(z.shape[1], -1).repeat(len(z), 1)
    near = [[-(a - b).norm().item() / temperature for b in rows] for a in rows]
    gap = [[(a - b).abs().sum().item() for b in y] for a in y]
    losses = []
    for r in range(len(rows)):
        others = [k for k in range(len(rows)) if k != r]
        loss = 0.0
        for p in others:
            total = sum(math.exp(near[r][k]) for k in others if gap[r][k] >= gap[r][p])
            loss += math.log(total) - near[r][p]
        losses.append(loss / len(others))
    return torch.tensor(losses, dtype=torch.float64).view(z.shape[:2])


@pytest.mark.parametrize("case", vector_cases(__file__, "supremix", "rank_n_contrast"))
@pytest.mark.parametrize("views", [1, 2])
def test_rank_n_contrast_equals_its_vector(case, views, dtype, assert_vector):
    (rows,) = tensors(case, "inputs.embeddings_raw", dtype=dtype, requires_grad=True)
    (y,) = tensors(case, "inputs.labels", dtype=dtype)
    n = len(rows) // views
    if len(rows) % views or not torch.equal(y, y[:n].repeat(views)):
        pytest.skip("these rows are not the views of samples")
    z = rows.view(views, n, -1)
    loss = rank_n_contrast(z, y[:n], temperature=case["inputs"]["temperature"])
    loss.backward()
    assert_vector(loss, case["expected"], "loss")
    assert_vector(rows.grad, case["grad_embeddings_raw"], "grad of z")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2), st.lists(st.integers(0, 3), min_size=2, max_size=5))
def test_it_equals_the_naive_loop(views, targets):
    z, y = draw(views, len(targets), 3), 0.1 * torch.tensor(targets, dtype=torch.float64)
    expected = loop(z, y, 0.7)
    torch.testing.assert_close(rank_n_contrast(z, y, temperature=0.7, reduction="none"), expected)
    torch.testing.assert_close(rank_n_contrast(z, y, temperature=0.7), expected.mean())
    total = rank_n_contrast(z, y, temperature=0.7, reduction="sum")
    torch.testing.assert_close(total, expected.sum())


def test_of_several_targets_the_distances_are_added():
    z, y = draw(2, 4, 3), draw(4, 2, seed=1)
    found = rank_n_contrast(z, y, reduction="none")
    torch.testing.assert_close(found, loop(z, y, 2.0))


def test_the_gradient_is_that_of_the_formula():
    z, y = draw(2, 3, 3).requires_grad_(), torch.tensor([0.0, 1.0, 1.0]).double()
    assert torch.autograd.gradcheck(lambda z: rank_n_contrast(z, y, temperature=0.5), (z,))


def test_it_does_not_depend_on_the_blocks(monkeypatch):
    z, y = draw(2, 9, 3).requires_grad_(), draw(9, seed=1)
    whole = rank_n_contrast(z, y)
    monkeypatch.setattr(module, "BLOCK_ENTRIES", 50)
    blocks = rank_n_contrast(z, y)
    torch.testing.assert_close(blocks, whole, rtol=1e-14, atol=0)
    found, expected = (torch.autograd.grad(loss, z)[0] for loss in (blocks, whole))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-16)


def test_loss_is_invariant_to_order_and_to_the_unit_and_origin_of_targets():
    z, y, order = draw(2, 5, 4), draw(5, seed=1), torch.tensor([3, 1, 0, 2, 4])
    found = rank_n_contrast(z.flip(0)[:, order] + 1, 3 - 10 * y[order])
    torch.testing.assert_close(found, rank_n_contrast(z, y), rtol=1e-12, atol=0)


def test_rows_are_not_scaled():
    z, y = draw(1, 5, 4), draw(5, seed=1)
    found = rank_n_contrast(3 * z, y, temperature=6)
    torch.testing.assert_close(found, rank_n_contrast(z, y, temperature=2))


def test_equal_targets_rank_nothing():
    z = draw(1, 5, 4)
    near = -torch.cdist(z[0], z[0]) / 2
    each = near.masked_fill(torch.eye(5, dtype=torch.bool), -torch.inf).logsumexp(1)
    expected = (each - near.sum(1) / 4).mean()
    torch.testing.assert_close(rank_n_contrast(z, torch.zeros(5)), expected)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    z, y = draw(2, 6, 4).float().requires_grad_(), draw(6, seed=1).float()
    loss = rank_n_contrast(z, y, temperature=temperature)
    loss.backward()
    exact = rank_n_contrast(z.detach().double(), y, temperature=temperature)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


def test_equal_rows_are_no_nan():
    z = torch.ones(2, 4, 5, requires_grad=True)
    loss = rank_n_contrast(z, torch.arange(4.0))
    loss.backward()
    assert loss.isfinite()
    assert z.grad.tolist() == torch.zeros(2, 4, 5).tolist()


def test_half_precision_is_reduced_in_float32():
    z, y = draw(2, 8, 4).bfloat16(), torch.arange(8.0)
    found = rank_n_contrast(z, y)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(rank_n_contrast(z.double(), y).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = rank_n_contrast(z, torch.arange(16.0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert rank_n_contrast(z, torch.arange(16.0)) == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert rank_n_contrast(z, torch.arange(4.0)).isnan()


def test_the_module_reads_the_form():
    z, y = draw(2, 4, 3), draw(4, seed=1)
    assert RankNContrast(0.5)(Views(z, targets=y)) == rank_n_contrast(z, y, temperature=0.5)
    with pytest.raises(ValueError, match="rank_n_contrast needs targets, the form has none"):
        RankNContrast()(Views(z))


@pytest.mark.parametrize(
    ("shape", "targets", "temperature", "said"),
    [
        ((2, 3, 4), (6,), 2, r"targets must be \(3,\) or \(3, K\), got \(6,\)"),
        ((1, 1, 4), (1,), 2, "one row has nothing to be ranked"),
        ((3, 4), (3,), 2, r"z must be \(V, N, D\)"),
        ((2, 3, 4), (3,), 0, "temperature must be > 0, got 0"),
    ],
)
def test_what_cannot_be_ranked_is_refused(shape, targets, temperature, said):
    with pytest.raises(ValueError, match=said):
        rank_n_contrast(torch.ones(shape), torch.ones(targets), temperature=temperature)
