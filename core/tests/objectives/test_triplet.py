"""The triplet losses against reference vectors, loops from the equations, and at the edges."""

import pytest
import torch

from contrast.forms import Pairs, Same, Views
from contrast.objectives.triplet import Triplet, batch_triplet, triplet
from contrast.testing.vectors import tensors, vector_cases

DISTANCES = ["euclidean", "squared", "cosine"]


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(*values):
    return torch.tensor(values)


def far(x, y, distance):
    if distance == "cosine":
        return 1 - torch.cosine_similarity(x, y, dim=0).item()
    return (x - y).norm().item() ** (2 if distance == "squared" else 1)


def loop(a, k, margin, distance, positive, excluded):
    """The mean over all triples; relations written out."""
    losses = []
    for i in range(len(a)):
        for p in range(len(k)):
            for j in range(len(k)):
                if positive[i, p] and not positive[i, j] and not (excluded[i, p] or excluded[i, j]):
                    near = far(a[i], k[p], distance) - far(a[i], k[j], distance)
                    losses.append(max(0.0, near + margin))
    return sum(losses) / max(len(losses), 1)


@pytest.mark.parametrize("case", vector_cases(__file__, "objectives_two_tower", "triplet"))
def test_triplet_equals_its_vector(case, dtype, assert_vector):
    inputs = {
        name: tensors(case, f"inputs.{name}", dtype=dtype, requires_grad=True)[0]
        for name in ("a", "p", "n")
    }
    loss = triplet(*inputs.values(), **case["params"])
    loss.backward()
    assert_vector(loss, case["expected"]["loss"], "loss")
    for name, expected in case["expected"]["grad"].items():
        assert_vector(inputs[name].grad, expected, f"grad of {name}")


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("symmetric", [False, True])
def test_triples_equal_the_naive_loop(distance, symmetric):
    a, p, n = (draw(6, 3, seed=seed) for seed in range(3))
    expected = []
    for x, y, z in zip(a, p, n, strict=True):
        ways = ((x, y), (y, x)) if symmetric else ((x, y),)
        gaps = [far(x, y, distance) - far(anchor, z, distance) + 0.4 for anchor, _ in ways]
        expected.append(sum(max(0.0, gap) for gap in gaps))
    options = {"margin": 0.4, "distance": distance, "symmetric": symmetric}
    assert triplet(a, p, n, **options, reduction="none").tolist() == pytest.approx(expected)
    assert triplet(a, p, n, **options).item() == pytest.approx(sum(expected) / 6)
    assert triplet(a, p, n, **options, reduction="sum").item() == pytest.approx(sum(expected))


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("candidates", [4, 6])
def test_a_batch_equals_the_naive_loop(distance, candidates):
    a, k = draw(4, 3), draw(candidates, 3, seed=1)
    positive = torch.eye(4, candidates, dtype=torch.bool)
    expected = loop(a, k, 0.5, distance, positive, torch.zeros_like(positive))
    found = batch_triplet(a, k, margin=0.5, distance=distance)
    assert found.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("related", [False, True])
def test_a_batch_equals_the_naive_loop_with_relations(distance, related):
    a, k, out = draw(4, 3), draw(5, 3, seed=1), Same(ids(5, 6, 7, 7), ids(5, 0, 6, 7, 7))
    positive, excluded = torch.eye(4, 5, dtype=torch.bool), out.mask()
    options = {"margin": 0.5, "distance": distance, "excluded": out}
    if related:
        options["positives"] = Same(ids(0, 1, 1, 9), ids(0, 1, 0, 0, 1))
        positive = options["positives"].mask()
    else:
        excluded = excluded & ~positive
    expected = loop(a, k, 0.5, distance, positive, excluded)
    assert batch_triplet(a, k, **options).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("distance", DISTANCES)
def test_the_gradients_are_those_of_the_formulas(distance):
    inputs = [draw(4, 3, seed=seed).requires_grad_() for seed in range(3)]
    options = {"margin": 0.7, "distance": distance}
    assert torch.autograd.gradcheck(lambda *x: triplet(*x, symmetric=True, **options), inputs)
    same = {"positives": Same(ids(0, 1, 1, 9), ids(0, 1, 0, 0))}
    for relations in ({}, same):
        loss = lambda a, k, r=relations: batch_triplet(a, k, **options, **r)  # noqa: E731
        assert torch.autograd.gradcheck(loss, inputs[:2])


@pytest.mark.parametrize("distance", DISTANCES)
def test_many_pairs_by_tiles_equal_the_plain_formula(distance):
    a, k = draw(140, 4).requires_grad_(), draw(150, 4, seed=1).requires_grad_()
    gap = torch.cdist(a, k, compute_mode="donot_use_mm_for_euclid_dist")
    if distance == "squared":
        gap = gap.square()
    if distance == "cosine":
        unit = torch.nn.functional.normalize
        gap = 1 - unit(a) @ unit(k).T
    others = ~torch.eye(140, 150, dtype=torch.bool)
    expected = (gap.diagonal()[:, None] - gap + 0.5).relu()[others].mean()
    loss = batch_triplet(a, k, margin=0.5, distance=distance)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    gradients = [torch.autograd.grad(each, (a, k)) for each in (loss, expected)]
    for found, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
def test_loss_is_invariant_to_the_order_of_samples(distance):
    a, k, order = draw(6, 4), draw(6, 4, seed=1), torch.tensor([3, 1, 5, 0, 2, 4])
    found = batch_triplet(a[order], k[order], distance=distance)
    torch.testing.assert_close(found, batch_triplet(a, k, distance=distance), rtol=1e-12, atol=0)


def test_only_the_cosine_ignores_the_scale_of_rows():
    a, p, n = (draw(6, 3, seed=seed) for seed in range(3))
    same = [triplet(2 * a, 3 * p, n, distance=d) == triplet(a, p, n, distance=d) for d in DISTANCES]
    assert same[:2] == [False, False]
    torch.testing.assert_close(
        triplet(2 * a, 3 * p, n, distance="cosine"), triplet(a, p, n, distance="cosine")
    )


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_kept_margin_has_no_gradient(distance):
    a = torch.eye(3).requires_grad_()
    loss = batch_triplet(a, torch.eye(3), margin=0.5, distance=distance)
    loss.backward()
    assert loss.item() == 0
    assert a.grad.tolist() == torch.zeros(3, 3).tolist()


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_and_zero_rows_are_no_nan(distance):
    x = torch.ones(3, 4)
    x[0] = 0
    x.requires_grad_()
    loss = triplet(x, x, x, distance=distance) + batch_triplet(x, x, distance=distance)
    loss.backward()
    assert loss.isfinite()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("distance", DISTANCES)
def test_without_a_triple_the_loss_is_zero_with_zero_gradient(distance):
    a = draw(1, 3).requires_grad_()
    alone = batch_triplet(a, draw(1, 3), distance=distance)
    none = batch_triplet(a, draw(2, 3), distance=distance, positives=Same(ids(0), ids(1, 2)))
    (alone + none).backward()
    assert alone.item() == none.item() == 0
    assert a.grad.tolist() == torch.zeros(1, 3).tolist()
    assert triplet(draw(0, 3), draw(0, 3), draw(0, 3), distance=distance).item() == 0


@pytest.mark.parametrize("distance", DISTANCES)
def test_half_precision_is_reduced_in_float32(distance):
    a, k = draw(8, 4).bfloat16(), draw(8, 4, seed=1).bfloat16()
    found = batch_triplet(a, k, distance=distance)
    assert found.dtype == triplet(a, k, a, distance=distance).dtype == torch.float32
    expected = batch_triplet(a.double(), k.double(), distance=distance)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_autocast_does_not_round_the_similarities(distance):
    a, k = draw(8, 4).float(), draw(8, 4, seed=1).float()
    expected = batch_triplet(a, k, distance=distance)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert batch_triplet(a, k, distance=distance) == expected


@pytest.mark.parametrize("distance", DISTANCES)
def test_nan_in_gives_nan_out(distance):
    a, k = draw(3, 4), draw(5, 4, seed=1)
    k[4, 0] = torch.nan  # nobody's positive
    assert batch_triplet(a, k, distance=distance).isnan()
    assert triplet(a, k[:3], k[2:], distance=distance).isnan()


def test_the_module_reads_pairs_and_lowered_views():
    z, same = draw(2, 4, 3), Same(ids(0, 1, 1, 2), ids(0, 1, 1, 2))
    module = Triplet(margin=0.3, distance="squared")
    expected = batch_triplet(z[0], z[1], margin=0.3, distance="squared")
    assert module(Views(z).lower()) == expected
    found = module(Pairs(z[0], z[1], positives=same, excluded=same))
    assert found == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match=r"must all be \(N, D\), got \(3, 4\), \(2, 4\), \(3, 4\)"):
        triplet(torch.ones(3, 4), torch.ones(2, 4), torch.ones(3, 4))
    with pytest.raises(ValueError, match="euclidean, squared or cosine, got 'l1'"):
        triplet(torch.ones(3, 4), torch.ones(3, 4), torch.ones(3, 4), distance="l1")
    with pytest.raises(ValueError, match="got 4 anchors and 3 candidates"):
        batch_triplet(torch.ones(4, 2), torch.ones(3, 2))
