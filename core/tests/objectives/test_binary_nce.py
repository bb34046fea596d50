"""Binary NCE against reference vectors, a loop written from its equation, and its edges."""

import math

import pytest
import torch

from contrast.forms import Lists
from contrast.objectives.binary_nce import BinaryNCE, binary_nce
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "contrastive_ucb", "contrastive_loss"))
def test_it_equals_its_vector(case, dtype, assert_vector):
    phi, psi = tensors(case, "phi", "psi", dtype=dtype, requires_grad=True)
    (y,) = tensors(case, "y", dtype=dtype)
    log_score = (phi.log() + psi.log()).logsumexp(1, keepdim=True)
    loss = binary_nce(log_score, targets=y[:, None])
    loss.backward()
    assert_vector(log_score.exp()[:, 0], case["score"], "score")
    each = binary_nce(log_score, targets=y[:, None], reduction="none")
    assert_vector(each[:, 0], case["per_sample"], "per_sample")
    assert_vector(loss, case["mean_loss"], "loss")
    assert_vector(phi.grad, case["grad_phi"], "grad_phi")
    assert_vector(psi.grad, case["grad_psi"], "grad_psi")


def test_it_equals_the_naive_loop():
    scores, targets = draw(4, 3).exp(), torch.tensor([[1, 0, 0], [0, 1, 0], [1, 1, 1], [0, 0, 0]])
    mask = torch.tensor([[True, True, True], [True, True, False], [False, True, True], [False] * 3])
    terms = [
        math.log(1 + 1 / f) if y else 0.5 * math.log(1 + f)
        for row, labels, exists in zip(scores, targets, mask, strict=True)
        for f, y, there in zip(row.tolist(), labels.tolist(), exists.tolist(), strict=True)
        if there
    ]
    options = {"targets": targets, "mask": mask, "negative_weight": 0.5}
    found = binary_nce(scores.log(), **options)
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-12)
    total = binary_nce(scores.log(), **options, reduction="sum")
    assert total.item() == pytest.approx(sum(terms), rel=1e-12)


def test_without_targets_the_first_alternative_is_true():
    scores = draw(3, 4)
    targets = torch.tensor([[1, 0, 0, 0]] * 3)
    assert binary_nce(scores) == binary_nce(scores, targets=targets)


def test_the_gradient_is_that_of_the_formula():
    scores, targets = draw(3, 4).requires_grad_(), torch.tensor([[0, 1, 1, 0]] * 3)
    assert torch.autograd.gradcheck(
        lambda s: binary_nce(s, targets=targets, negative_weight=0.3), (scores,)
    )


def test_the_minimum_is_the_density_ratio():
    truth = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    noise = torch.tensor([0.2, 0.2, 0.6], dtype=torch.float64)
    log_f = (truth / noise).log().requires_grad_()
    scores = torch.stack((log_f, log_f), 1)  # each outcome once as true and once as noise
    each = binary_nce(scores, reduction="none")
    (each * torch.stack((truth, noise), 1)).sum().backward()
    assert log_f.grad.abs().max() < 1e-15


def test_a_log_score_of_minus_infinity_is_free_for_noise():
    scores = torch.tensor([[0.0, -torch.inf]], requires_grad=True)
    loss = binary_nce(scores)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2) / 2)
    assert scores.grad.isfinite().all()
    assert binary_nce(scores.flip(1)).item() == math.inf


def test_a_score_that_does_not_exist_is_never_read():
    scores = torch.tensor([[1.0, torch.nan]], requires_grad=True)
    loss = binary_nce(scores, mask=torch.tensor([[True, False]]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log1p(math.exp(-1)))
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_extreme_log_scores_stay_finite_in_float32(scale):
    scores = (scale * draw(5, 2)).float().requires_grad_()
    loss = binary_nce(scores)
    loss.backward()
    assert loss.item() == pytest.approx(binary_nce(scores.detach().double()).item(), rel=1e-5)
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_where_nothing_exists_the_loss_is_zero_with_zero_gradient(reduction):
    scores = draw(2, 2).requires_grad_()
    mask = torch.zeros(2, 2, dtype=torch.bool)
    loss = binary_nce(scores, mask=mask, reduction=reduction)
    loss.backward()
    assert loss.item() == 0
    assert (scores.grad == 0).all()


def test_loss_is_invariant_to_the_order_of_samples():
    scores, targets = draw(5, 1), torch.tensor([[0], [1], [1], [0], [1]])
    order = torch.tensor([3, 0, 4, 1, 2])
    found = binary_nce(scores[order], targets=targets[order])
    torch.testing.assert_close(found, binary_nce(scores, targets=targets))


def test_half_precision_is_reduced_in_float32_and_nan_stays_nan():
    assert binary_nce(draw(3, 2).bfloat16()).dtype == torch.float32
    assert binary_nce(torch.tensor([[torch.nan]])).isnan()


def test_the_module_reads_the_form():
    scores, targets = draw(3, 3), torch.tensor([[0, 1, 1]] * 3)
    mask = torch.tensor([[True, True, False]] * 3)
    found = BinaryNCE(negative_weight=0.2)(Lists(scores, targets, mask))
    assert found == binary_nce(scores, targets=targets, mask=mask, negative_weight=0.2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"targets and log_scores .* \(2, 3\) and \(3, 3\)"):
        binary_nce(draw(3, 3), targets=draw(2, 3))
    with pytest.raises(ValueError, match="negative_weight must be >= 0, got -1"):
        binary_nce(draw(3, 3), negative_weight=-1)
