"""SigLIP against reference vectors, a loop written from its equation, and at its edges."""

import math

import pytest
import torch

from contrast.forms import Pairs, Same
from contrast.objectives.siglip import SigLIP, siglip
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(*values):
    return torch.tensor(values)


def loop(a, k, temperature, bias, is_positive=int.__eq__, is_excluded=lambda i, j: False):
    total = 0.0
    for i in range(len(a)):
        for j in range(len(k)):
            sign = 1 if is_positive(i, j) else -1
            x = torch.cosine_similarity(a[i], k[j], dim=0).item() / temperature + bias
            total += 0 if is_excluded(i, j) else math.log(1 + math.exp(-sign * x))
    return total / len(a)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_two_tower", "siglip"))
def test_siglip_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    inputs = {
        name: tensors(case, f"inputs.{name}", dtype=dtype, requires_grad=True)[0]
        for name in case["inputs"]
    }
    learnt = "log_scale" in inputs
    loss = siglip(
        inputs["q"],
        inputs["k"],
        temperature=(-inputs["log_scale"]).exp() if learnt else 1 / p["logit_scale"],
        bias=inputs["bias"] if "bias" in inputs else p["bias"],
        normalize=p.get("normalize", True),
    )
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    for name, expected in case["expected"]["grad"].items():
        assert_vector(inputs[name].grad, expected, f"grad of {name}")


def test_whole_numbers_may_be_learnt_from():
    module = SigLIP(temperature=1, bias=-10)
    assert [p.dtype for p in module.parameters()] == [torch.float32] * 2


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_two_tower", "siglip"))
def test_the_module_equals_the_vector_too(case):
    if not case["params"].get("normalize", True):
        pytest.skip("the module compares unit rows")
    q, k = tensors(case, "inputs.q", "inputs.k")
    given = case["params"] | case["inputs"]
    scale, bias = given.get("logit_scale") or math.exp(given["log_scale"]), given["bias"]
    module = SigLIP(1 / scale, bias).double()
    loss = module(Pairs(q, k))
    loss.backward()
    assert loss.item() == pytest.approx(case["expected"]["loss"], rel=1e-6)
    for name, found in {"log_scale": module.temperature.log_scale, "bias": module.bias}.items():
        if name in case["expected"]["grad"]:
            expected = case["expected"]["grad"][name]
            assert found.grad.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("candidates", [4, 6])
def test_it_equals_the_naive_loop(candidates):
    a, k = draw(4, 3), draw(candidates, 3, seed=1)
    expected = loop(a, k, 0.3, -1.5)
    found = siglip(a, k, temperature=0.3, bias=-1.5)
    assert found.item() == pytest.approx(expected, rel=1e-12)
    total = siglip(a, k, temperature=0.3, bias=-1.5, reduction="sum")
    assert total.item() == pytest.approx(4 * expected, rel=1e-12)


@pytest.mark.parametrize("related", [False, True])
def test_it_equals_the_naive_loop_with_relations(related):
    a, k, out = draw(3, 4), draw(5, 4, seed=1), Same(ids(5, 6, 7), ids(5, 0, 6, 6, 7))
    options = {"positives": Same(ids(0, 1, 9), ids(0, 0, 1, 2, 2))} if related else {}
    is_positive = lambda i, j: bool(options["positives"].mask()[i, j]) if related else i == j  # noqa: E731
    is_excluded = lambda i, j: bool(out.mask()[i, j]) and (related or i != j)  # noqa: E731
    expected = loop(a, k, 0.3, -1.5, is_positive, is_excluded)
    found = siglip(a, k, temperature=0.3, bias=-1.5, excluded=out, **options)
    assert found.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("related", [False, True])
def test_the_gradient_is_that_of_the_formula(related):
    options = {"positives": Same(ids(0, 1, 9), ids(0, 0, 1, 2))} if related else {}
    inputs = draw(3, 4), draw(4, 4, seed=1), torch.tensor(0.3), torch.tensor(-2.0)

    def loss(a, k, temperature, bias):
        return siglip(a, k, temperature=temperature, bias=bias, **options)

    assert torch.autograd.gradcheck(loss, [x.double().requires_grad_() for x in inputs])


@pytest.mark.parametrize("related", [False, True])
def test_many_pairs_by_tiles_equal_the_plain_formula(related):
    a, k = draw(150, 4).requires_grad_(), draw(150, 4, seed=1).requires_grad_()
    row = torch.arange(150) % 40 if related else torch.arange(150)
    same = Same(row, row)
    unit = torch.nn.functional.normalize
    logits = unit(a) @ unit(k).T / 0.1 - 3
    expected = torch.nn.functional.softplus(torch.where(same.mask(), -logits, logits)).sum() / 150
    options = {"positives": same} if related else {}
    loss = siglip(a, k, temperature=0.1, bias=-3, **options)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)
    gradients = [torch.autograd.grad(each, (a, k)) for each in (loss, expected)]
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-12)


def test_loss_is_invariant_to_the_order_of_pairs_the_scale_of_rows_and_the_side():
    a, k, order = draw(6, 4), draw(6, 4, seed=1), torch.tensor([3, 1, 5, 0, 2, 4])
    expected = siglip(a, k, temperature=0.1, bias=-2)
    found = siglip(7 * k[order], 0.1 * a[order], temperature=0.1, bias=-2)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature):
    a, k = draw(5, 4).float().requires_grad_(), draw(5, 4, seed=1).float()
    loss = siglip(a, k, temperature=temperature, bias=-10)
    loss.backward()
    exact = siglip(a.detach().double(), k.double(), temperature=temperature, bias=-10)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-5)
    assert a.grad.isfinite().all()


def test_equal_and_zero_rows_are_no_nan():
    a = torch.ones(3, 4)
    a[0] = 0
    a.requires_grad_()
    loss = siglip(a, torch.ones(3, 4), temperature=0.1, bias=-10)
    loss.backward()
    assert loss.isfinite()
    assert a.grad.isfinite().all()


def test_one_pair_and_no_pairs():
    one = siglip(torch.ones(1, 3), torch.ones(1, 3), temperature=0.5, bias=1.0)
    assert one.item() == pytest.approx(math.log(1 + math.exp(-3)), rel=1e-5)
    assert siglip(torch.ones(0, 3), torch.ones(0, 3), temperature=0.5, bias=1.0).item() == 0


def test_half_precision_is_reduced_in_float32():
    a, k = draw(16, 8).bfloat16(), draw(16, 8, seed=1).bfloat16()
    found = siglip(a, k, temperature=0.05, bias=-3)
    expected = siglip(a.double(), k.double(), temperature=0.05, bias=-3)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    a, k = draw(16, 8).float(), draw(16, 8, seed=1).float()
    expected = siglip(a, k, temperature=0.01, bias=-3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert siglip(a, k, temperature=0.01, bias=-3) == expected


def test_nan_in_gives_nan_out():
    a = draw(3, 4)
    a[1, 1] = torch.nan
    assert siglip(a, draw(3, 4), temperature=0.1, bias=-3).isnan()


def test_the_module_reads_relations_and_learns():
    a, k, same = draw(3, 4).float(), draw(3, 4, seed=1).float(), Same(ids(0, 1, 2), ids(0, 1, 1))
    module = SigLIP(0.2, -3.0)
    loss = module(Pairs(a, k, positives=same, excluded=Same(ids(9, 8, 7), ids(9, 9, 9))))
    loss.backward()
    options = {"positives": same, "excluded": Same(ids(9, 8, 7), ids(9, 9, 9))}
    torch.testing.assert_close(loss, siglip(a, k, temperature=0.2, bias=-3.0, **options))
    assert {name for name, _ in module.named_parameters()} == {"temperature.log_scale", "bias"}
    assert all(p.grad.abs() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    ("shapes", "options", "said"),
    [
        (((3, 4), (3, 5)), {}, r"\(3, 4\) and \(3, 5\)"),
        (((4, 2), (3, 2)), {}, "got 4 anchors and 3 candidates"),
        (((2, 2), (2, 2)), {"temperature": 0.0}, "temperature must be > 0, got 0.0"),
        (((2, 2), (2, 2)), {"reduction": "none"}, "reduction must be mean or sum, got 'none'"),
    ],
)
def test_what_cannot_be_compared_is_refused(shapes, options, said):
    with pytest.raises(ValueError, match=said):
        siglip(*map(torch.ones, shapes), **{"temperature": 1, "bias": 0, **options})
