"""`row_lse` and `lse_sum` against the reference vectors of weighted rows and soft targets."""

import pytest
import torch

from contrast.primitives.lse_sum import lse_sum
from contrast.primitives.row_lse import row_lse
from contrast.primitives.structure import LogWeight, Mask
from contrast.testing.vectors import assert_close, tensors, vector_cases

KINDS = "weighted_lse_rows", "weighted_lse_rows_empty"
WEIGHTED = [case for kind in KINDS for case in vector_cases(__file__, "objectives_kernel", kind)]


@pytest.fixture(params=["float64", "float32", "float64-kernels", "float32-kernels"])
def dtype(request):
    """The precision of a vector, once more by the kernels of a GPU in Triton's interpreter."""
    name, _, way = request.param.partition("-")
    if way:
        request.getfixturevalue("interpreted")
    return getattr(torch, name)


def check(actual, expected, field):
    """1e-9 + 1e-7 |y| in float64; in float32 2e-4 of the largest entry."""
    largest = torch.as_tensor(expected, dtype=torch.float64).abs().max().item()
    float64 = torch.as_tensor(actual).dtype == torch.float64
    assert_close(actual, expected, (1e-9, 1e-7) if float64 else (2e-4 * largest, 0.0), field)


def check_all(case, loss, inputs):
    check(loss, case["expected"]["loss"], "loss")
    loss.backward()
    for name, expected in case["expected"]["grad"].items():
        check(inputs[name].grad, expected, f"grad of {name}")


def read(case, dtype):
    return {
        name: tensors(case, f"inputs.{name}", dtype=dtype, requires_grad=True)[0]
        for name in case["inputs"]
    }


def attraction(inputs, case):
    """s_(i,pos(i)) / t_i."""
    positive = inputs["k"][torch.tensor(case["params"]["pos_index"])]
    return (inputs["q"] * positive).sum(1) / inputs["tau"]


def folded(losses, case):
    """The row losses as the case's `reduction` says."""
    reduction = case["params"]["reduction"]
    if reduction == "mean":
        return losses.mean()
    if reduction == "dot(row_loss, grad_out)":
        return losses @ torch.tensor(case["params"]["grad_out"], dtype=losses.dtype)
    assert reduction == "sum of non-empty rows / n", reduction
    return losses.sum() / len(losses)


@pytest.mark.parametrize("case", WEIGHTED)
def test_weighted_rows_equal_their_vectors(case, dtype):
    inputs = read(case, dtype)
    weights = torch.tensor(case["params"]["weights"], dtype=dtype)
    options = {"temperature": inputs["tau"], "weights": (LogWeight(weights.log()),)}
    lse = row_lse(inputs["q"], inputs["k"], **options).lse
    losses = (lse - attraction(inputs, case)).masked_fill((weights == 0).all(1), 0)
    for name, found in {"row_lse": lse, "row_loss": losses}.items():
        if name in case["expected"]:
            check(found, case["expected"][name], name)
    check_all(case, folded(losses, case), inputs)


@pytest.mark.parametrize(
    "case", vector_cases(__file__, "objectives_kernel", "weighted_lse_rows_learnable_weights")
)
def test_learnt_weights_equal_their_vectors(case, dtype):
    inputs = read(case, dtype)
    options = {"temperature": inputs["tau"], "weights": (LogWeight(inputs["w"].log()),)}
    lse = row_lse(inputs["q"], inputs["k"], **options).lse
    check_all(case, folded(lse - attraction(inputs, case), case), inputs)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_kernel", "soft_target_ce"))
def test_soft_targets_equal_their_vectors(case, dtype):
    inputs = read(case, dtype)
    targets = torch.tensor(case["params"]["targets"], dtype=dtype)
    lse = row_lse(inputs["q"], inputs["k"], temperature=inputs["tau"]).lse
    pulled = (inputs["q"] * (targets @ inputs["k"])).sum(1) / inputs["tau"]
    check_all(case, folded(targets.sum(1) * lse - pulled, case), inputs)


@pytest.mark.parametrize("case", WEIGHTED)
def test_the_sum_of_rows_equals_their_vectors(case, dtype):
    inputs = read(case, dtype)
    weights = torch.tensor(case["params"]["weights"], dtype=dtype)
    kept = (weights > 0).any(1).to(dtype)
    share = kept / len(kept)
    if "grad_out" in case["params"]:
        share = torch.tensor(case["params"]["grad_out"], dtype=dtype)
    structures = LogWeight(weights.clamp_min(1e-30).log()), Mask(weights > 0)
    repulsion = lse_sum(
        inputs["q"], inputs["k"], share, temperature=inputs["tau"], weights=structures
    )
    check_all(case, repulsion - share @ attraction(inputs, case), inputs)
