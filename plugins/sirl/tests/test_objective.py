import pytest
import torch
from torch.autograd import gradcheck

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sirl.form import Triples
from contrast_sirl.objective import (
    Similarity,
    answered_right,
    choice_cross_entropy,
    preference_loss,
)


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "triplet"))
def test_triplet_losses_and_gradients_equal_their_vectors(case):
    inputs = tensors(case, "anchor", "positive", "negative", requires_grad=True)
    loss = Similarity(case["margin"], case["squared"], case["symmetric"])(
        Triples(torch.stack(inputs))
    )
    assert_close(loss, case["loss"], 1e-8, "loss")
    for name, gradient in zip(
        ("anchor", "positive", "negative"), torch.autograd.grad(loss, inputs), strict=True
    ):
        assert_close(gradient, case[f"grad_{name}"], 1e-8, f"grad_{name}")


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "bradley_terry"))
def test_preference_losses_and_gradients_equal_their_vectors(case):
    given = tensors(case, "z_first", "z_second", "theta", requires_grad=True)
    (y,) = tensors(case, "label_second_preferred")
    options = {"reward_l2": case["reward_l2"]}
    loss = preference_loss(*given, y, **options)
    assert_close(loss, case["loss"], 1e-8, "loss")
    assert_close(preference_loss(*given, y, reduction="none"), case["per_item"], 1e-8)
    first, _, theta = torch.autograd.grad(loss, given)
    assert_close(theta, case["grad_theta"], 1e-8, "grad_theta")
    assert_close(first, case["grad_first"], 1e-8, "grad_first")


def triples(count=5, width=4):
    return torch.randn(3, count, width, dtype=torch.float64, generator=generator("triples"))


def plain(z, margin, squared, symmetric):
    def d(x, y):
        return ((x - y) ** 2).sum() if squared else ((x - y) ** 2).sum().sqrt()

    def hinge(a, p, n):
        return max(0.0, float(d(a, p) - d(a, n) + margin))

    rows = [
        hinge(*row) + (hinge(row[1], row[0], row[2]) if symmetric else 0)
        for row in zip(*z, strict=True)
    ]
    return sum(rows) / len(rows)


@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_similarity_loss_is_the_plain_formula(squared, symmetric):
    z = triples()
    loss = Similarity(0.7, squared, symmetric)(Triples(z))
    assert_close(loss, plain(z, 0.7, squared, symmetric), 1e-12)


def test_the_symmetric_loss_does_not_mind_which_of_the_two_comes_first():
    z = triples()
    loss = Similarity()
    assert_close(loss(Triples(z)), loss(Triples(z[[1, 0, 2]])), 1e-12)
    assert_close(choice_cross_entropy(z), choice_cross_entropy(z[[1, 0, 2]]), 1e-12)


def test_the_penalty_is_the_weighted_mean_square():
    z = triples()
    extra = Similarity(l2_weight=0.5)(Triples(z)) - Similarity()(Triples(z))
    assert_close(extra, 0.5 * z.square().mean(), 1e-12)


def test_equal_embeddings_give_twice_the_margin_and_no_nan():
    z = torch.zeros(3, 2, 4, requires_grad=True)
    loss = Similarity()(Triples(z))
    (gradient,) = torch.autograd.grad(loss, z)
    assert loss.item() == 2
    assert gradient.isfinite().all()


def test_the_choice_is_a_softmax_of_the_three_pairs():
    z = triples(1)
    d = [((z[i, 0] - z[j, 0]) ** 2).sum() for i, j in ((0, 1), (0, 2), (1, 2))]
    chances = torch.stack([torch.exp(-each) for each in d])
    assert_close(choice_cross_entropy(z), -torch.log(chances[0] / chances.sum()), 1e-12)
    assert float(choice_cross_entropy(z[:, :0])) == 0


def test_the_choice_stands_extreme_distances():
    z = torch.tensor([[[0.0]], [[1e8]], [[0.0]]], requires_grad=True)
    loss = choice_cross_entropy(z)
    (gradient,) = torch.autograd.grad(loss, z)
    assert loss.isfinite()
    assert gradient.isfinite().all()


def test_gradients_are_those_of_finite_differences():
    z = triples(3).requires_grad_()
    assert gradcheck(choice_cross_entropy, z)
    assert gradcheck(lambda z: Similarity(squared=True)(Triples(z)), z)


def test_an_answer_is_right_where_the_two_are_the_nearest_pair():
    z = torch.tensor([[[0.0], [0.0]], [[1.0], [3.0]], [[5.0], [1.0]]])
    assert answered_right(z).tolist() == [True, False]


def test_triples_lower_to_pairs_of_the_alike_against_all_others():
    pairs = Triples(triples(4)).lower()
    assert pairs.anchors.shape == (4, 4)
    assert pairs.candidates.shape == (8, 4)
