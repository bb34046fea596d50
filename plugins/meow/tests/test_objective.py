import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import normalize

from contrast.engine.randomness import generator
from contrast.forms import Apart
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_meow.form import Graph
from contrast_meow.objective import Meow, prototype_loss, weighted_infonce

PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 1e-4)]
)


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(
        torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64), dim=-1
    )


def apart(*groupings: list[int]) -> Apart:
    ids = torch.tensor(groupings)
    return Apart(ids, ids)


@PRECISIONS
@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "weighted_infonce"))
def test_weighted_infonce_equals_its_vector(case, dtype, tolerance):
    anchor, other = tensors(case, "anchor", "other", dtype=dtype, requires_grad=True)
    relation = apart(*case["assignments"])
    loss = weighted_infonce(anchor, other, relation, temperature=case["tau"])
    grads = torch.autograd.grad(loss, (anchor, other))
    assert_close(relation.count(), case["weights"], 1e-9, "weights")
    assert_close(loss, case["loss"], tolerance, "loss")
    assert_close(grads[0], case["grad_anchor"], tolerance, "grad_anchor")
    assert_close(grads[1], case["grad_other"], tolerance, "grad_other")


@PRECISIONS
@pytest.mark.parametrize("case", vector_cases(__file__, "meow", "prototype_loss"))
def test_prototype_loss_equals_its_vector(case, dtype, tolerance):
    (z,) = tensors(case, "z", dtype=dtype, requires_grad=True)
    prototypes = [torch.tensor(each, dtype=dtype) for each in case["prototypes"]]
    phi = [torch.tensor(each, dtype=dtype) for each in case["phi"]]
    loss = prototype_loss(z, torch.tensor(case["assignments"]), prototypes, phi)
    constant = sum(math.log(len(z) / len(each)) for each in phi) / len(phi)
    assert_close(loss, case["loss"], tolerance, "loss")
    assert_close(loss - constant, case["loss_without_constant"], tolerance, "without constant")
    assert_close(torch.autograd.grad(loss, z)[0], case["grad_z"], tolerance, "grad_z")


def test_weighted_infonce_equals_a_naive_loop():
    a, f = draw(7, 3), draw(7, 3, seed=1)
    groupings = [[0, 0, 1, 1, 2, 2, 2], [0, 1, 0, 1, 0, 1, 0]]
    total = 0.0
    for i in range(7):
        s = [float(a[i] @ f[j]) / 0.4 for j in range(7)]
        w = [sum(c[i] != c[j] for c in groupings) for j in range(7)]
        total += math.log(sum(w[j] * math.exp(s[j]) for j in range(7))) - s[i]
    assert_close(
        weighted_infonce(a, f, apart(*groupings), temperature=0.4), total / 7, 1e-12, "loss"
    )


def test_gradients_equal_finite_differences():
    a, f = draw(5, 3).requires_grad_(), draw(5, 3, seed=1).requires_grad_()
    relation = apart([0, 0, 1, 1, 1], [0, 1, 0, 1, 2])
    assert torch.autograd.gradcheck(
        lambda a, f: weighted_infonce(a, f, relation, temperature=0.4), (a, f)
    )
    mu, phi = draw(2, 3, seed=2), torch.tensor([0.3, 0.6], dtype=torch.float64)
    ids = torch.tensor([[0, 0, 1, 1, 1]])
    assert torch.autograd.gradcheck(lambda z: prototype_loss(z, ids, [mu], [phi]), (a,))


def test_rows_without_any_negative_are_left_out_of_the_mean():
    a, f = draw(4, 3), draw(4, 3, seed=1)
    # Clustered against fewer columns: rows 0 and 1 have no weight, rows 2 and 3 have.
    relation = Apart(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 0, 0, 0]]))
    logits = a @ f.T / 0.4
    rows = logits.logsumexp(1) - logits.diagonal()
    assert_close(weighted_infonce(a, f, relation, temperature=0.4), rows[2:].mean(), 1e-12, "loss")


def test_one_cluster_gives_zero_loss_and_zero_gradient():
    a, f = draw(4, 3).requires_grad_(), draw(4, 3, seed=1).requires_grad_()
    loss = weighted_infonce(a, f, apart([0, 0, 0, 0]), temperature=0.4)
    grads = torch.autograd.grad(loss, (a, f))
    assert loss.item() == 0
    assert all((grad == 0).all() for grad in grads)


def test_one_node_gives_zero_loss():
    a = draw(1, 3).requires_grad_()
    loss = weighted_infonce(a, a, apart([0], [0]), temperature=0.4)
    loss.backward()
    assert loss.item() == 0
    assert a.grad.isfinite().all()


def test_loss_and_gradient_are_finite_at_extreme_temperatures():
    a, f = draw(6, 3).float().requires_grad_(), draw(6, 3, seed=1).float()
    loss = weighted_infonce(a, f, apart([0, 0, 1, 1, 2, 2]), temperature=1e-3)
    loss.backward()
    assert loss.isfinite()
    assert a.grad.isfinite().all()


def test_loss_of_half_precision_is_computed_in_float32():
    a, f = draw(6, 3).bfloat16(), draw(6, 3, seed=1).bfloat16()
    relation = apart([0, 0, 1, 1, 2, 2])
    loss = weighted_infonce(a, f, relation, temperature=0.4)
    exact = weighted_infonce(a.double(), f.double(), relation, temperature=0.4)
    assert loss.dtype == torch.float32
    assert_close(loss, exact, 1e-5, "loss")


def test_loss_is_invariant_to_node_order():
    a, f, order = draw(7, 3), draw(7, 3, seed=1), torch.tensor([3, 1, 6, 0, 2, 5, 4])
    ids = torch.tensor([[0, 0, 1, 1, 2, 2, 2], [0, 1, 0, 1, 0, 1, 0]])
    loss = weighted_infonce(a, f, Apart(ids, ids), temperature=0.4)
    moved = Apart(ids[:, order], ids[:, order])
    assert_close(weighted_infonce(a[order], f[order], moved, temperature=0.4), loss, 1e-13, "loss")


def test_views_of_different_shape_are_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"\(4, 3\) and \(5, 3\)"):
        weighted_infonce(draw(4, 3), draw(5, 3), apart([0] * 4), temperature=0.4)


def test_meow_is_the_sum_of_named_terms_with_concentration_scaled_by_temperature():
    a, f, mu = draw(6, 3), draw(6, 3, seed=1), draw(5, 3, seed=2)
    ids = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 1, 2, 0, 1, 2]])
    phi = torch.tensor([0.8, 1.2, 0.5, 1.0, 1.5], dtype=torch.float64)
    form = Graph(torch.stack([a, f]), clusters=ids, prototypes=mu, concentration=phi, sizes=(2, 3))
    terms = Meow(temperature=0.4, prototype_weight=0.5)(form)
    pull = prototype_loss(a, ids, mu.split((2, 3)), (0.4 * phi).split((2, 3)))
    assert list(terms) == ["contrast", "prototypes"]
    assert_close(terms["prototypes"], 0.5 * pull, 1e-12, "prototypes")
    with pytest.raises(ValueError, match="relate"):
        Meow()(replace(form, clusters=None))


def test_prototypes_and_concentrations_receive_no_gradient():
    z, mu = draw(4, 3).requires_grad_(), draw(2, 3, seed=1).requires_grad_()
    phi = torch.ones(2, dtype=torch.float64, requires_grad=True)
    prototype_loss(z, torch.tensor([[0, 0, 1, 1]]), [mu], [phi]).backward()
    assert z.grad.abs().sum() > 0
    assert mu.grad is None
    assert phi.grad is None
