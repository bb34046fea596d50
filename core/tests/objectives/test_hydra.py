"""Hydra against reference vectors, a loop written from its equations, its gates and partners."""

import math

import pytest
import torch

from contrast.forms import Views
from contrast.objectives import hydra as module
from contrast.objectives.hydra import Gate, Hydra, hydra
from contrast.testing.vectors import tensors, vector_cases

VARIANTS = pytest.mark.parametrize("variant", ["weighted", "gated_norm"])


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(*values):
    return torch.tensor(values)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_hydra", "hydra"))
def test_hydra_equals_its_vector(case, dtype, assert_vector):
    z, k, logit = tensors(
        case, "inputs.z", "inputs.k", "inputs.gate_logit", dtype=dtype, requires_grad=True
    )
    y, y2 = tensors(case, "inputs.y", "inputs.y2", dtype=torch.long)
    p = case["params"]
    loss = hydra(z, k, logit.sigmoid(), y, y2, temperature=p["tau"], variant=p["variant"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    for name, tensor in (("z", z), ("k", k), ("gate_logit", logit)):
        assert_vector(tensor.grad, case["expected"]["grad"][name], f"grad of {name}")


def loop(a, k, g, y, y2, classes, temperature, variant):
    """The mean over positive pairs."""

    def cosine(x, w, v):
        inner = sum(p * c * c * q for p, c, q in zip(x, w, v, strict=True))
        if variant == "weighted":
            return inner / math.hypot(*x) / math.hypot(*v)
        lengths = (math.hypot(*(p * c for p, c in zip(u, w, strict=True))) for u in (x, v))
        return inner / math.prod(lengths)

    terms = []
    for i, row in enumerate(a.tolist()):
        s = [cosine(row, g[i].tolist(), v) / temperature for v in k.tolist()]
        rest = sum(
            math.exp(x) for x, c in zip(s, classes.tolist(), strict=True) if c not in (y[i], y2[i])
        )
        terms += [
            math.log1p(rest / math.exp(x))
            for x, c in zip(s, classes.tolist(), strict=True)
            if c == y2[i]
        ]
    return sum(terms) / len(terms)


@VARIANTS
def test_it_equals_the_naive_loop(variant):
    a, k, g = draw(4, 3), draw(6, 3, seed=1), draw(4, 3, seed=2).sigmoid()
    y, y2, classes = ids(0, 1, 2, 1), ids(1, 1, 0, 4), ids(0, 1, 2, 3, 1, 0)
    expected = loop(a, k, g, y, y2, classes, 0.3, variant)
    found = hydra(a, k, g, y, y2, candidate_labels=classes, temperature=0.3, variant=variant)
    assert found.item() == pytest.approx(expected, rel=1e-12)


@VARIANTS
def test_the_gradient_is_that_of_the_value_for_all_that_learns(variant):
    given = [
        draw(4, 3),
        draw(4, 3, seed=1),
        draw(4, 3, seed=2).sigmoid(),
        torch.tensor(0.4).double(),
    ]
    y, y2 = ids(0, 1, 2, 1), ids(1, 0, 2, 5)
    assert torch.autograd.gradcheck(
        lambda a, k, g, t: hydra(a, k, g, y, y2, temperature=t, variant=variant),
        [x.requires_grad_() for x in given],
    )


@VARIANTS
def test_strips_and_tiles_equal_all_pairs_at_once(variant, monkeypatch, tiles):
    n, y = 30, torch.arange(30) % 5
    a, k, g = draw(n, 4).requires_grad_(), draw(n, 4, seed=1), draw(n, 4, seed=2).sigmoid()
    unit = torch.nn.functional.normalize
    if variant == "weighted":
        s = (unit(a) * g**2) @ unit(k).T
    else:
        s = torch.einsum("id,ijd->ij", unit(a * g), unit(g[:, None] * k, dim=2))
    y2, logits = y.roll(1), s / 0.2
    positive = y2[:, None] == y
    rest = logits.masked_fill(positive | (y[:, None] == y), -torch.inf)
    expected = torch.nn.functional.softplus(rest.logsumexp(1)[:, None] - logits)[positive].mean()
    monkeypatch.setattr(module, "STRIP", 200)
    found = hydra(a, k, g, y, y2, temperature=0.2, variant=variant)
    torch.testing.assert_close(found, expected)
    (gradient,) = torch.autograd.grad(expected, a)
    torch.testing.assert_close(torch.autograd.grad(found, a)[0], gradient)


@VARIANTS
def test_loss_is_invariant_to_the_order_of_samples_and_the_scale_of_rows(variant):
    a, k, g = draw(5, 3), draw(5, 3, seed=1), draw(5, 3, seed=2).sigmoid()
    y, y2, order = ids(0, 1, 2, 0, 1), ids(1, 2, 0, 2, 0), ids(2, 0, 4, 1, 3)
    expected = hydra(a, k, g, y, y2, temperature=0.2, variant=variant)
    moved = (5 * a[order], 0.2 * k[order], g[order], y[order], y2[order])
    found = hydra(*moved, temperature=0.2, variant=variant)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@VARIANTS
def test_open_gates_make_one_loss_of_both_variants(variant):
    a, k, y, y2 = draw(5, 3), draw(5, 3, seed=1), ids(0, 1, 2, 0, 1), ids(1, 2, 0, 2, 0)
    ones = torch.ones(5, 3).double()
    found = hydra(a, k, ones, y, y2, temperature=0.2, variant=variant)
    expected = hydra(a, k, ones, y, y2, temperature=0.2)
    torch.testing.assert_close(found, expected)


@VARIANTS
def test_without_any_positive_pair_the_loss_is_zero_with_zero_gradient(variant):
    a = draw(3, 3).requires_grad_()
    g = torch.ones(3, 3).double()
    loss = hydra(a, a, g, ids(0, 1, 2), ids(7, 8, 9), temperature=0.2, variant=variant)
    loss.backward()
    assert loss.item() == 0
    assert (a.grad == 0).all()


@VARIANTS
def test_without_negatives_a_pair_adds_nothing(variant):
    a = draw(3, 3).requires_grad_()
    g = torch.ones(3, 3).double()
    loss = hydra(a, a, g, ids(0, 0, 0), ids(0, 0, 0), temperature=0.2, variant=variant)
    loss.backward()
    assert loss.item() == 0
    assert (a.grad == 0).all()


@VARIANTS
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(variant, temperature):
    a, k, g = draw(5, 3).float(), draw(5, 3, seed=1).float(), draw(5, 3).sigmoid().float()
    y, y2 = ids(0, 1, 2, 0, 1), ids(1, 2, 0, 2, 0)
    loss = hydra(a.requires_grad_(), k, g, y, y2, temperature=temperature, variant=variant)
    loss.backward()
    assert loss.isfinite()
    assert a.grad.isfinite().all()


@VARIANTS
def test_zero_rows_and_closed_gates_are_no_nan(variant):
    a, g = torch.ones(4, 3), torch.ones(4, 3)
    a[0] = 0
    g[1] = 0
    leaves = a.requires_grad_(), g.requires_grad_()
    loss = hydra(a, a, g, ids(0, 1, 2, 3), ids(1, 0, 3, 2), temperature=0.1, variant=variant)
    loss.backward()
    assert loss.isfinite()
    assert all(x.grad.isfinite().all() for x in leaves)


@VARIANTS
def test_half_precision_is_reduced_in_float32_and_nan_stays_nan(variant):
    a, g, y, y2 = (
        draw(5, 3).bfloat16(),
        draw(5, 3).sigmoid(),
        ids(0, 1, 2, 0, 1),
        ids(1, 2, 0, 2, 0),
    )
    assert hydra(a, a, g.bfloat16(), y, y2, temperature=0.2, variant=variant).dtype == torch.float32
    a[0, 0] = torch.nan
    assert hydra(a, a, g.bfloat16(), y, y2, temperature=0.2, variant=variant).isnan()


def test_a_gate_is_symmetric_in_its_classes_and_lies_between_0_and_1():
    gate, y, y2 = Gate(4, 8).eval(), ids(0, 1, 3), ids(2, 1, 0)
    torch.testing.assert_close(gate(y, y2), gate(y2, y))
    assert gate(y, y2).shape == (3, 8)
    assert ((gate(y, y2) > 0) & (gate(y, y2) < 1)).all()


def test_partners_are_of_the_kind_asked_for_and_change_from_step_to_step():
    labels = ids(0, 0, 1, 2, 3)
    identical = Hydra(4, 3, partner="identical")
    assert identical.partners(labels) is labels
    arbitrary = Hydra(4, 3)
    first = arbitrary.partners(labels)
    assert first.sort().values.tolist() == labels.tolist()
    arbitrary.steps += 1
    assert arbitrary.partners(labels).tolist() != first.tolist()
    distinct = Hydra(4, 3, partner="distinct")
    seen = set()
    for _ in range(3):
        found = distinct.partners(labels)
        assert (found != labels).all()
        seen.add(found[0].item())
        distinct.steps += 1
    assert seen == {1, 2, 3}


def test_the_module_compares_views_under_its_gates():
    z, labels = draw(3, 6, 4), ids(0, 1, 2, 0, 1, 2)
    objective = Hydra(3, 4, temperature=0.2).double()
    objective.gate.eval()
    partners = labels.roll(-1)
    expected = hydra(
        z[0],
        z[1:].flatten(0, 1),
        objective.gate(labels, partners),
        labels,
        partners,
        candidate_labels=torch.cat((labels, labels)),
        temperature=0.2,
    )
    loss = objective(Views(z, labels=labels))
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert objective.temperature.log_scale.grad is not None
    assert all(p.grad is not None for p in objective.gate.parameters())
    assert objective.steps == 1


def test_steps_are_counted_in_training_alone():
    form = Views(draw(1, 4, 3).float(), labels=ids(0, 1, 0, 1))
    objective = Hydra(2, 3, variant="gated_norm").eval()
    assert objective(form).isfinite()
    assert objective.steps == 0
    objective.train()(form)
    assert objective.steps == 1


def test_what_does_not_fit_is_refused():
    a, g, y = draw(4, 3), draw(4, 3), ids(0, 1, 0, 1)
    with pytest.raises(ValueError, match=r"gates and anchors .* \(4, 2\) and \(4, 3\)"):
        hydra(a, a, g[:, :2], y, y, temperature=0.1)
    with pytest.raises(ValueError, match="need as many labels, got 4, 3 partners and 4"):
        hydra(a, a, g, y, y[:3], temperature=0.1)
    with pytest.raises(ValueError, match="temperature must be > 0"):
        hydra(a, a, g, y, y, temperature=0)
    with pytest.raises(ValueError, match="variant must be weighted or gated_norm, got 'gated'"):
        hydra(a, a, g, y, y, temperature=0.1, variant="gated")
    with pytest.raises(ValueError, match="no `labels`"):
        Hydra(2, 3)(Views(draw(2, 4, 3)))
    with pytest.raises(ValueError, match="needs 2 classes or more, got 1"):
        Hydra(1, 3, partner="distinct")
