import math

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.objectives.rows import unit
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sepclr.form import Spaces
from contrast_sepclr.minimisers import joint_entropy_loss
from contrast_sepclr.objective import SepCLR, align, salient_uniform, sepclr_terms, uniform

TOLERANCE = 1e-8


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64)


def assert_gradients(value, case, **leaves):
    for name, found in zip(leaves, torch.autograd.grad(value, list(leaves.values())), strict=True):
        assert_close(found, case[f"grad_{name}"], TOLERANCE, f"grad_{name}")


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "align"))
def test_align_equals_its_vector(case):
    a, b = tensors(case["inputs"], "a", "b", requires_grad=True)
    value = align(a, b, tau=case["inputs"]["tau"])
    assert_close(value, case["expected"], TOLERANCE)
    assert_gradients(value, case, a=a, b=b)


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "uniform_normalised"))
def test_uniform_of_unit_rows_equals_its_vector(case):
    (a,) = tensors(case["inputs"], "a", requires_grad=True)
    value = uniform(unit(a), tau=case["inputs"]["tau"])
    assert_close(value, case["expected"], TOLERANCE)
    assert_gradients(value, case, a=a)


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "uniform_raw"))
def test_uniform_of_rows_as_they_are_equals_its_vector(case):
    (a,) = tensors(case["inputs"], "a", requires_grad=True)
    value = uniform(a, tau=case["inputs"]["tau"])
    assert_close(value, case["expected"], TOLERANCE)
    assert_gradients(value, case, a=a)


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "joint_entropy"))
def test_joint_entropy_equals_its_vector(case):
    given = case["inputs"]
    c, s = tensors(given, "c_raw", "s_raw", requires_grad=True)
    target = torch.tensor(given["labels"], dtype=torch.bool)
    value = joint_entropy_loss(unit(c), s * target[:, None], tau=given["tau"])
    assert_close(value, case["expected"], TOLERANCE)
    assert_gradients(value, case, c_raw=c, s_raw=s)


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "total"))
def test_total_equals_its_vector(case):
    given, expected = case["inputs"], case["expected"]
    c1, c2, s1, s2 = tensors(given, "c1", "c2", "s1", "s2", requires_grad=True)
    weights = given["salient_weight"], given["informationless_weight"], given["jem_weight"]
    objective = SepCLR(
        c1.shape[1], s1.shape[1], *weights, tau=given["tau"], uniform_factor=given["uniform_factor"]
    )
    target = torch.tensor(given["labels"], dtype=torch.bool)
    form = Spaces(torch.stack([c1, c2]), salient=torch.stack([s1, s2]), is_target=target)
    terms = objective(form)
    total = sum(terms.values())
    assert_close(total, expected["total"], TOLERANCE, "total")
    for name, weight in zip(("common", "salient", "informationless"), (1, *weights), strict=False):
        assert_close(terms[name] / weight, expected[name], TOLERANCE, name)
    assert_close(terms["leakage"] / weights[2], expected["jem"], TOLERANCE, "jem")
    assert_gradients(total, case, c1=c1, s1=s1)


def test_salient_uniform_equals_uniform_over_zero_rows():
    for targets in (0, 1, 2, 5, 6, 7):
        s, target = draw(7, 3), torch.arange(7) < targets
        plain = uniform(s * target[:, None], tau=0.5)
        assert_close(salient_uniform(s, target, tau=0.5), plain, 1e-12)


def test_uniform_equals_a_loop_over_pairs():
    a = draw(6, 3)
    pairs = [
        math.exp(-float((a[i] - a[j]).square().sum()) / 1.4) for i in range(6) for j in range(i)
    ]
    assert_close(uniform(a, tau=0.7), math.log(sum(pairs) / 15), 1e-12)


def test_rows_far_apart_give_a_finite_loss_and_gradient():
    s = (1e3 * draw(2, 8, 4)).requires_grad_()
    target = torch.arange(8) % 2 == 0
    terms = sepclr_terms(draw(2, 8, 4, seed=1), s, target, leakage=jem)
    total = sum(terms.values())
    total.backward()
    assert total.isfinite()
    assert s.grad.isfinite().all()


def jem(c, t):
    return joint_entropy_loss(c, t, tau=0.5)


@pytest.mark.parametrize("targets", [0, 1, 6])
@pytest.mark.parametrize("rows", [0, 1, 6])
def test_empty_groups_and_single_rows_are_never_nan(rows, targets):
    z = draw(2, rows, 1).requires_grad_()
    s = draw(2, rows, 1, seed=1).requires_grad_()
    target = torch.arange(rows) < targets
    terms = sepclr_terms(z, s, target, leakage=jem)
    total = sum(terms.values())
    total.backward()
    assert total.isfinite()
    assert z.grad.isfinite().all()
    assert s.grad.isfinite().all()
    if not target.any():
        assert_close(align(s[0], s[1], target, tau=0.5), 0.0, 0)
    if target.all():
        assert float(terms["informationless"].detach()) == 0


def test_background_rows_send_no_salient_gradient_but_through_their_constraint():
    s, target = draw(2, 6, 3).requires_grad_(), torch.arange(6) < 3
    terms = sepclr_terms(draw(2, 6, 3, seed=1), s, target, leakage=jem)
    (found,) = torch.autograd.grad(terms["salient"] + terms["leakage"], s, retain_graph=True)
    assert (found[:, 3:] == 0).all()
    assert (found[:, :3] != 0).any()
    (found,) = torch.autograd.grad(terms["informationless"], s)
    assert (found[:, :3] == 0).all()
    assert (found[:, 3:] != 0).any()


def test_coinciding_background_rows_have_a_zero_gradient_in_the_joint_entropy():
    c = torch.ones(5, 2, dtype=torch.float64, requires_grad=True)
    joint_entropy_loss(c, torch.zeros(5, 2, dtype=torch.float64), tau=0.5).backward()
    assert_close(c.grad, torch.zeros(5, 2), 1e-12)


def test_the_loss_does_not_depend_on_the_order_of_rows():
    z, s, target = draw(2, 7, 3), draw(2, 7, 2, seed=1), torch.arange(7) < 4
    order = torch.tensor([3, 6, 0, 5, 2, 1, 4])
    plain = sepclr_terms(z, s, target, leakage=jem)
    mixed = sepclr_terms(z[:, order], s[:, order], target[order], leakage=jem)
    for name, value in plain.items():
        assert_close(mixed[name], value, 1e-12, name)


def test_the_gradient_of_the_whole_equals_finite_differences():
    target = torch.arange(5) < 3

    def loss(z, s):
        return sum(sepclr_terms(z, s, target, leakage=jem).values())

    given = [draw(2, 5, 3).requires_grad_(), draw(2, 5, 2, seed=1).requires_grad_()]
    assert torch.autograd.gradcheck(loss, given)


@pytest.mark.parametrize(
    ("z", "s", "target", "tau", "words"),
    [
        (draw(2, 4, 3), draw(2, 5, 3), torch.ones(4), 0.5, "of the same samples"),
        (draw(2, 4, 3), draw(2, 4, 3), torch.ones(5), 0.5, r"is_target must be \(4,\)"),
        (draw(2, 4, 3), draw(2, 4, 3), torch.ones(4), 0.0, "tau must be > 0"),
    ],
)
def test_unlike_sizes_are_refused(z, s, target, tau, words):
    with pytest.raises(ValueError, match=words):
        sepclr_terms(z, s, target, leakage=jem, tau=tau)


@pytest.mark.parametrize("tau", [0.025, 0.2, 0.3])
def test_alignment_among_some_rows_is_as_exact_as_that_of_all(tau):
    a, b = torch.randn(2, 7, 3, dtype=torch.float64, generator=generator("align"))
    among = torch.tensor([1, 0, 1, 1, 0, 0, 1]).bool()
    assert_close(align(a, b, among, tau=tau), align(a[among], b[among], tau=tau), 1e-15, "align")
