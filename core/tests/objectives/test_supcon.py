"""SupCon against reference vectors, a loop written from its equations, and at its edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrast.forms import Views
from contrast.objectives.supcon import SupCon, supcon
from contrast.testing.vectors import tensors, vector_cases


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def loop(z, labels, temperature, variant):
    """The loss of each row; None without a class mate."""
    places = [(v, i) for v in range(len(z)) for i in range(z.shape[1])]

    def s(p, q):
        return torch.cosine_similarity(z[p], z[q], dim=0).item() / temperature

    losses = []
    for p in places:
        scores = {q: s(p, q) for q in places if q != p}
        mates = [x for q, x in scores.items() if labels[q[1]] == labels[p[1]]]
        energy = math.log(sum(map(math.exp, scores.values()))) if scores else 0
        if not mates:
            losses.append(None)
        elif variant == "out":
            losses.append(energy - sum(mates) / len(mates))
        else:
            losses.append(energy - math.log(sum(map(math.exp, mates)) / len(mates)))
    return losses


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_views", "supcon"))
def test_supcon_equals_its_vector(case, dtype, assert_vector):
    p = case["params"]
    (z,) = tensors(case, "inputs.z", dtype=dtype, requires_grad=True)
    labels = torch.tensor(case["inputs"]["labels"])
    loss = supcon(
        z, labels, temperature=p["tau"], variant=p["variant"], base_temperature=p["base_tau"]
    )
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    assert_vector(z.grad, case["expected"]["grad"]["z"], "grad of z")


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.lists(st.integers(-2, 2), min_size=1, max_size=5), st.booleans())
def test_it_equals_the_naive_loop(views, labels, inside):
    z, variant = draw(views, len(labels), 3), "in" if inside else "out"
    losses = loop(z, labels, 0.4, variant)
    known = [loss for loss in losses if loss is not None]
    options = {"temperature": 0.4, "variant": variant}
    found = supcon(z, torch.tensor(labels), **options)
    assert found.item() == pytest.approx(sum(known) / max(len(known), 1), rel=1e-11, abs=1e-12)
    each = supcon(z, torch.tensor(labels), **options, reduction="none")
    expected = [loss or 0 for loss in losses]
    assert each.flatten().tolist() == pytest.approx(expected, rel=1e-11, abs=1e-12)
    total = supcon(z, torch.tensor(labels), **options, reduction="sum")
    assert total.item() == pytest.approx(sum(known), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("variant", ["out", "in"])
def test_the_gradient_is_that_of_the_formula(variant):
    z, labels = draw(2, 4, 3).requires_grad_(), torch.tensor([0, 1, 0, 2])
    options = {"temperature": 0.4, "variant": variant}
    assert torch.autograd.gradcheck(lambda z: supcon(z, labels, **options), (z,))
    alone = z.detach()[:1].requires_grad_()  # two rows have no class mate
    assert torch.autograd.gradcheck(lambda z: supcon(z, labels, **options), (alone,))


@pytest.mark.parametrize("variant", ["out", "in"])
def test_the_base_temperature_is_a_factor(variant):
    z, labels = draw(2, 4, 3), torch.tensor([0, 1, 0, 2])
    plain = supcon(z, labels, temperature=0.2, variant=variant)
    found = supcon(z, labels, temperature=0.2, variant=variant, base_temperature=0.05)
    torch.testing.assert_close(found, 4 * plain)


@pytest.mark.parametrize("variant", ["out", "in"])
def test_loss_is_invariant_to_order_scale_and_names_of_classes(variant):
    z, order = draw(3, 6, 4), torch.tensor([3, 1, 5, 0, 2, 4])
    labels = torch.tensor([0, 1, 0, 2, 1, 1])
    options = {"temperature": 0.2, "variant": variant}
    expected = supcon(z, labels, **options)
    found = supcon(7 * z[[2, 0, 1]][:, order], 10**9 - labels[order], **options)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("variant", ["out", "in"])
@pytest.mark.parametrize("temperature", [1e-3, 1e3])
def test_extreme_temperatures_stay_finite_in_float32(temperature, variant):
    z, labels = draw(2, 6, 4).float().requires_grad_(), torch.arange(6) % 2
    loss = supcon(z, labels, temperature=temperature, variant=variant)
    loss.backward()
    exact = supcon(z.detach().double(), labels, temperature=temperature, variant=variant)
    assert loss.item() == pytest.approx(exact.item(), rel=1e-4)
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("variant", ["out", "in"])
def test_many_rows_by_tiles_equal_the_plain_formula(variant):
    z, labels = draw(2, 100, 4).requires_grad_(), torch.arange(100) % 7
    labels[0] = 99
    x, label = torch.nn.functional.normalize(z.flatten(0, 1), dim=1), labels.repeat(2)
    logits = (x @ x.T / 0.1).masked_fill(torch.eye(200, dtype=torch.bool), -torch.inf)
    mates = (label[:, None] == label) & ~torch.eye(200, dtype=torch.bool)
    count = mates.sum(1).double()
    if variant == "out":
        pulled = logits.masked_fill(~mates, 0).sum(1) / count
    else:
        pulled = logits.masked_fill(~mates, -torch.inf).logsumexp(1) - count.log()
    expected = (logits.logsumexp(1) - pulled).mean()
    loss = supcon(z, labels, temperature=0.1, variant=variant)
    torch.testing.assert_close(loss, expected, rtol=1e-11, atol=0)
    found, wanted = (torch.autograd.grad(each, z)[0] for each in (loss, expected))
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("variant", ["out", "in"])
def test_without_any_positive_the_loss_is_zero_with_zero_gradient(variant):
    z = draw(1, 4, 3).requires_grad_()
    loss = supcon(z, torch.arange(4), temperature=0.1, variant=variant)
    loss.backward()
    assert loss.item() == 0
    assert z.grad.tolist() == torch.zeros(1, 4, 3).tolist()


@pytest.mark.parametrize("variant", ["out", "in"])
def test_one_class_equal_and_zero_rows_are_no_nan(variant):
    z = torch.ones(2, 4, 5)
    z[0, 0] = 0
    z.requires_grad_()
    loss = supcon(z, torch.zeros(4, dtype=torch.long), temperature=0.1, variant=variant)
    loss.backward()
    assert loss.isfinite()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("variant", ["out", "in"])
def test_half_precision_is_reduced_in_float32(variant):
    z, labels = draw(2, 16, 4).bfloat16(), torch.arange(16) % 3
    options = {"temperature": 0.05, "variant": variant}
    found = supcon(z, labels, **options)
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(supcon(z.double(), labels, **options).item(), rel=1e-5)


def test_autocast_does_not_round_the_similarities():
    z = draw(2, 16, 4).float()
    expected = supcon(z, torch.arange(16) % 3, temperature=0.01, variant="in")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert supcon(z, torch.arange(16) % 3, temperature=0.01, variant="in") == expected


def test_nan_in_gives_nan_out():
    z = draw(2, 4, 3)
    z[1, 2, 0] = torch.nan
    assert supcon(z, torch.arange(4), temperature=0.1).isnan()


def test_the_module_reads_the_form():
    z, labels = draw(2, 4, 3), torch.tensor([0, 1, 0, 2])
    expected = supcon(z, labels, temperature=0.2, variant="in", base_temperature=0.07)
    assert SupCon(0.2, "in", 0.07)(Views(z, labels=labels)) == expected
    with pytest.raises(ValueError, match="supcon needs labels, the form has none"):
        SupCon()(Views(z))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temperature": 0}, "temperature must be > 0, got 0"),
        ({"temperature": 1, "base_temperature": 0}, "base_temperature must be > 0, got 0"),
        ({"temperature": 1, "variant": "up"}, "variant must be out or in, got 'up'"),
    ],
)
def test_settings_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        supcon(torch.ones(2, 3, 4), torch.arange(3), **options)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"labels must be \(3,\), one a sample, got \(6,\)"):
        supcon(torch.ones(2, 3, 4), torch.arange(6), temperature=0.1)
