"""CACR with momentum targets against reference vectors and loops written from its equations."""

import math

import pytest
import torch

from contrast.objectives.cacr_momentum import cacr_momentum_euclidean, cacr_momentum_rbf
from contrast.testing.vectors import tensors, vector_cases

BOTH = pytest.mark.parametrize("loss_of", [cacr_momentum_rbf, cacr_momentum_euclidean])


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def check(loss_of, case, dtype, assert_vector):
    z, k = tensors(case, "inputs.z", "inputs.k", dtype=dtype, requires_grad=True)
    loss = loss_of(z, k, temperature=case["params"]["T"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")
    assert k.grad is None
    assert not any(map(any, case["expected"]["grad"]["k"]))


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_cacr", "cacr_momentum_rbf"))
def test_rbf_equals_its_vector(case, dtype, assert_vector):
    check(cacr_momentum_rbf, case, dtype, assert_vector)


@pytest.mark.parametrize(
    "case", vector_cases(__file__, "objectives_cacr", "cacr_momentum_euclidean")
)
def test_euclidean_equals_its_vector(case, dtype, assert_vector):
    check(cacr_momentum_euclidean, case, dtype, assert_vector)


def loop(queries, targets, temperature):
    """Both losses."""
    q = (queries / queries.norm(dim=2, keepdim=True)).tolist()
    k = (targets / targets.norm(dim=1, keepdim=True)).tolist()
    rbf = euclidean = 0.0
    n = len(k)
    for i in range(n):
        s = [[sum(x * y for x, y in zip(v[i], c, strict=True)) for c in k] for v in q]
        far = [math.exp((2 - 2 * row[i]) / temperature) for row in s]
        for row, share in zip(s, far, strict=True):
            p = share / sum(far)
            e = [math.exp(x / temperature) for x in row]
            rbf += 2 * temperature * p * (math.log(sum(e)) - row[i] / temperature) / n
            rest = [j for j in range(n) if j != i]
            push = sum(e[j] * (1 - row[j]) for j in rest) / sum(e[j] for j in rest)
            euclidean += p * (1 - row[i] - push)
    return rbf, euclidean


def test_both_equal_the_naive_loop():
    queries, targets = draw(3, 4, 3), draw(4, 3, seed=1)
    rbf, euclidean = loop(queries, targets, 0.7)
    assert cacr_momentum_rbf(queries, targets, temperature=0.7).item() == pytest.approx(rbf)
    found = cacr_momentum_euclidean(queries, targets, temperature=0.7)
    assert found.item() == pytest.approx(euclidean)


def test_the_gradient_holds_all_weights_fixed():
    queries, targets = draw(2, 3, 3).requires_grad_(), draw(3, 3, seed=1)
    unit = torch.nn.functional.normalize
    q, k = unit(queries, dim=2), unit(targets, dim=1)
    s = q @ k.T  # (Q, N, N)
    own = s.diagonal(dim1=1, dim2=2)
    p = ((2 - 2 * own) / 0.5).softmax(0).detach()
    w = (s / 0.5).masked_fill(torch.eye(3, dtype=torch.bool), -torch.inf).softmax(2).detach()
    written = (p * ((1 - own) - (w * (1 - s)).sum(2))).sum()
    found = cacr_momentum_euclidean(queries, targets, temperature=0.5)
    torch.testing.assert_close(found, written)
    (expected,) = torch.autograd.grad(written, queries)
    torch.testing.assert_close(torch.autograd.grad(found, queries)[0], expected)


@BOTH
def test_loss_is_invariant_to_the_order_of_samples_and_the_scale_of_rows(loss_of):
    queries, targets, order = draw(2, 5, 3), draw(5, 3, seed=1), torch.tensor([2, 0, 4, 1, 3])
    expected = loss_of(queries, targets, temperature=0.5)
    found = loss_of(3 * queries[:, order], 0.1 * targets[order], temperature=0.5)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@BOTH
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(loss_of, temperature):
    queries = draw(2, 5, 3).float().requires_grad_()
    loss = loss_of(queries, draw(5, 3, seed=1).float(), temperature=temperature)
    loss.backward()
    assert loss.isfinite()
    assert queries.grad.isfinite().all()


@BOTH
@pytest.mark.parametrize(
    ("queries", "targets", "temperature", "said"),
    [
        ((2, 3, 4), (3, 5), 1.0, r"got \(2, 3, 4\) and \(3, 5\)"),
        ((3, 4), (3, 4), 1.0, r"must be \(Q, N, D\)"),
        ((2, 3, 4), (3, 4), 0.0, "temperature must be > 0, got 0.0"),
    ],
)
def test_what_cannot_be_compared_is_refused(loss_of, queries, targets, temperature, said):
    with pytest.raises(ValueError, match=said):
        loss_of(torch.ones(queries), torch.ones(targets), temperature=temperature)


def test_one_sample_has_nothing_to_choose_from_and_no_negative():
    queries, targets = draw(2, 1, 3), draw(1, 3, seed=1)
    assert cacr_momentum_rbf(queries, targets).item() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="no negative"):
        cacr_momentum_euclidean(queries, targets)
