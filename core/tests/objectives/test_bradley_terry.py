"""Bradley-Terry against reference vectors, a loop written from its equation, and its edges."""

import math

import pytest
import torch

from contrast.forms import Lists
from contrast.objectives.bradley_terry import BradleyTerry, bradley_terry
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "bradley_terry"))
def test_it_equals_its_vector(case, dtype, assert_vector):
    first, second, theta = tensors(
        case, "z_first", "z_second", "theta", dtype=dtype, requires_grad=True
    )
    (second_preferred,) = tensors(case, "label_second_preferred", dtype=dtype)
    scores = torch.stack((first @ theta, second @ theta), dim=1)
    targets = torch.stack((1 - second_preferred, second_preferred), dim=1)
    loss = bradley_terry(scores, targets=targets, reward_l2=case["reward_l2"])
    each = bradley_terry(scores, targets=targets, reduction="none")
    loss.backward()
    assert_vector(loss, case["loss"], "loss")
    assert_vector(each, case["per_item"], "per_item")
    assert_vector(theta.grad, case["grad_theta"], "grad_theta")
    assert_vector(first.grad, case["grad_first"], "grad_first")
    if "grad_second" in case:
        assert_vector(second.grad, case["grad_second"], "grad_second")


def loop(scores, targets, exists, reward_l2):
    """The loss of each list, None of those without a pair."""
    losses = []
    for r, y, there in zip(scores.tolist(), targets.tolist(), exists.tolist(), strict=True):
        known = [k for k, is_there in enumerate(there) if is_there]
        terms = []
        for a in known:
            for b in known:
                if a < b:
                    p = 1.0 if y[a] > y[b] else 0.0 if y[a] < y[b] else 0.5
                    gain = r[a] - r[b]
                    terms.append(
                        p * math.log1p(math.exp(-gain)) + (1 - p) * math.log1p(math.exp(gain))
                    )
        penalty = reward_l2 * sum(r[k] ** 2 for k in known)
        losses.append(sum(terms) / len(terms) + penalty if terms else None)
    return losses


def test_it_equals_the_naive_loop_on_lists_with_ties_and_gaps():
    scores, targets = draw(6, 4), torch.randint(0, 3, (6, 4), generator=torch.Generator())
    exists = torch.tensor(
        [[1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 1, 1], [0, 1, 0, 0], [0] * 4, [1] * 4]
    )
    exists = exists.bool()
    expected = loop(scores, targets, exists, 0.1)
    options = {"targets": targets, "mask": exists, "reward_l2": 0.1}
    found = bradley_terry(scores, **options, reduction="none")
    assert found.tolist() == pytest.approx([loss or 0 for loss in expected], rel=1e-12)
    known = [loss for loss in expected if loss is not None]
    assert len(known) == 4
    assert bradley_terry(scores, **options).item() == pytest.approx(sum(known) / 4, rel=1e-12)
    total = bradley_terry(scores, **options, reduction="sum")
    assert total.item() == pytest.approx(sum(known), rel=1e-12)


def test_without_targets_the_first_is_preferred():
    scores = draw(3, 3)
    targets = torch.tensor([[9, 5, 1]] * 3)
    assert bradley_terry(scores) == bradley_terry(scores, targets=targets)
    gain = scores[:, 0] - scores[:, 1]
    expected = torch.nn.functional.softplus(-gain).mean()
    torch.testing.assert_close(bradley_terry(scores[:, :2]), expected)


@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.bfloat16])
def test_labels_may_be_of_any_dtype(kind):
    scores, labels = draw(2, 3), torch.tensor([[0, 1, 0], [1, 0, 1]])
    found = bradley_terry(scores, targets=labels.to(kind))
    assert found == bradley_terry(scores, targets=labels)


def test_the_gradient_is_that_of_the_formula():
    scores, mask = draw(3, 4).requires_grad_(), torch.ones(3, 4, dtype=torch.bool)
    mask[1, 2:], targets = False, torch.tensor([[0, 1, 1, 2]] * 3)
    assert torch.autograd.gradcheck(
        lambda r: bradley_terry(r, targets=targets, mask=mask, reward_l2=0.1), (scores,)
    )


def test_a_score_that_does_not_exist_is_never_read():
    scores = torch.tensor([[1.0, torch.nan, 2.0], [torch.inf, 0.5, 0.0]], requires_grad=True)
    mask = torch.tensor([[True, False, True], [False, True, True]])
    loss = bradley_terry(scores, mask=mask, reward_l2=0.1)
    loss.backward()
    assert loss.isfinite()
    assert scores.grad.isfinite().all()
    assert scores.grad[~mask].tolist() == [0, 0]


def test_loss_is_invariant_to_the_order_of_lists_and_alternatives_and_to_a_shift_of_a_list():
    scores, targets = draw(4, 3), torch.tensor([[0, 1, 2], [2, 1, 0], [1, 1, 0], [0, 0, 0]])
    rows, columns = torch.tensor([2, 0, 3, 1]), torch.tensor([1, 2, 0])
    found = bradley_terry(
        scores[rows][:, columns] + draw(4, 1, seed=1), targets=targets[rows][:, columns]
    )
    torch.testing.assert_close(found, bradley_terry(scores, targets=targets))


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_extreme_scores_stay_finite_in_float32(scale):
    scores = (scale * draw(5, 2)).float().requires_grad_()
    loss = bradley_terry(scores)
    loss.backward()
    exact = bradley_terry(scores.detach().double())
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(3, 1), (0, 2)])
def test_without_any_pair_the_loss_is_zero_with_zero_gradient(shape):
    scores = torch.ones(shape, requires_grad=True)
    loss = bradley_terry(scores)
    loss.backward()
    assert loss.item() == 0
    assert (scores.grad == 0).all()


def test_half_precision_is_reduced_in_float32_and_nan_stays_nan():
    assert bradley_terry(draw(3, 2).bfloat16()).dtype == torch.float32
    assert bradley_terry(torch.tensor([[1.0, torch.nan]])).isnan()


def test_the_module_reads_the_form():
    scores, targets = draw(3, 3), torch.tensor([[0, 1, 2]] * 3)
    mask = torch.tensor([[True, True, False]] * 3)
    found = BradleyTerry(reward_l2=0.1)(Lists(scores, targets, mask))
    assert found == bradley_terry(scores, targets=targets, mask=mask, reward_l2=0.1)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"targets and scores .* \(2, 3\) and \(3, 3\)"):
        bradley_terry(draw(3, 3), targets=draw(2, 3))
    with pytest.raises(ValueError, match="mask and scores"):
        bradley_terry(draw(3, 3), mask=torch.ones(3, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"must be \(N, K\)"):
        bradley_terry(draw(3))
