import math

import pytest
import torch
from torch.nn.functional import normalize

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_mclrec.encoder import Augmenter
from contrast_mclrec.form import Sequences
from contrast_mclrec.objective import Contrast, MclrecContrast, info_nce, margin

LAYERS = ("1", "2", "3")


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64)


def pairs():
    return [
        p for p in vector_cases(__file__, "mclrec") if p.values[0] and "cl_grad_a" in p.values[0]
    ]


def full():
    return [p for p in vector_cases(__file__, "mclrec") if p.values[0] and "L_aug" in p.values[0]]


def augmenter(weights):
    """An augmenter with the weights of a vector."""
    sizes = [len(weights["W1"][0]), *(len(weights[f"b{n}"]) for n in LAYERS)]
    made = Augmenter(*sizes).double()
    for layer, n in zip(made.layers, LAYERS, strict=True):
        layer.weight.data, layer.bias.data = (
            torch.tensor(weights[f"{k}{n}"], dtype=torch.float64) for k in "Wb"
        )
    return made


@pytest.mark.parametrize("case", pairs())
def test_contrast_and_margin_equal_their_vectors(case):
    a, b = tensors(case, "a", "b", requires_grad=True)
    similarity = {"dot": "dot", "cos": "cosine"}[case["sim"]]
    loss = info_nce(a, b, temperature=case["tau"], similarity=similarity)
    grads = torch.autograd.grad(loss, (a, b))
    assert_close(loss, case["cl"], 1e-9, "cl")
    assert_close(grads[0], case["cl_grad_a"], 1e-9, "cl_grad_a")
    assert_close(grads[1], case["cl_grad_b"], 1e-9, "cl_grad_b")
    if "R" not in case:
        return
    bound = margin(a, b)
    grads = torch.autograd.grad(bound, (a, b))
    assert_close(bound, case["R"], 1e-9, "R")
    assert_close(grads[0], case["R_grad_a"], 1e-9, "R_grad_a")
    assert_close(grads[1], case["R_grad_b"], 1e-9, "R_grad_b")


@pytest.mark.parametrize("case", full())
def test_all_terms_and_gradients_equal_their_vector(case):
    h1, h2 = tensors(case, "h1", "h2", requires_grad=True)
    w1, w2 = augmenter(case["augmenter_1"]), augmenter(case["augmenter_2"])
    z1, z2 = w1(h1), w2(h2)
    assert_close(z1, case["z1"], 1e-9, "z1")
    assert_close(z2, case["z2"], 1e-9, "z2")
    objective = MclrecContrast(case["tau_cl1"], margin_weight=0.1 * case["use_rl"])
    compared = ((h1, z2, 1), (h2, z1, 1), (z1, z2, 2))
    forms = [Sequences(torch.stack([a, b]), learnt=n) for a, b, n in compared]
    assert_close(objective(Sequences(torch.stack([h1, h2]))), case["cl1"], 1e-9, "cl1")
    contrast = sum(info_nce(*form.z) for form in forms)
    assert_close(contrast, case["cl2"], 1e-9, "cl2")
    bounds = 0.1 * sum(margin(*form.z) for form in forms)
    assert_close(bounds, case["R_sum_times_0p1"], 1e-9, "R")
    loss = sum(map(objective, forms))
    assert_close(loss, case["L_aug"], 1e-9, "L_aug")
    loss.backward()
    assert_close(h1.grad, case["grad_h1"], 1e-9, "grad_h1")
    assert_close(h2.grad, case["grad_h2"], 1e-9, "grad_h2")
    for made, name in ((w1, "grad_augmenter_1"), (w2, "grad_augmenter_2")):
        for layer, n in zip(made.layers, LAYERS, strict=True):
            assert_close(layer.weight.grad, case[name][f"W{n}"], 1e-9, f"{name}.W{n}")
            assert_close(layer.bias.grad, case[name][f"b{n}"], 1e-9, f"{name}.b{n}")


def naive(a, b, scope):
    """InfoNCE and margin by loops over rows."""
    x, B = torch.cat([a, b]), len(a)
    s = (x @ x.T).tolist()
    partner = [(i + B) % (2 * B) for i in range(2 * B)]
    negatives = [[j for j in range(2 * B) if j not in (i, partner[i])] for i in range(2 * B)]
    p = [s[i][partner[i]] for i in range(2 * B)]
    m = [max(s[i][j] for j in negatives[i]) for i in range(2 * B)]
    if scope == "global":
        p_bound, m_bound = [min(p)] * (2 * B), [max(m)] * (2 * B)
    else:
        p_bound, m_bound = p, m
    loss = above = below = 0.0
    for i in range(2 * B):
        low, high = min(p_bound[i], m_bound[i]), max(p_bound[i], m_bound[i])
        loss += math.log(sum(math.exp(s[i][j]) for j in range(2 * B) if j != i)) - p[i]
        above += max(p[i] - low, 0)
        below += sum(max(high - s[i][j], 0) for j in negatives[i])
    return loss / (2 * B), above / (2 * B) + below / (2 * B * (2 * B - 2))


@pytest.mark.parametrize("scope", ["anchor", "global"])
def test_contrast_and_margin_equal_loops_over_rows(scope):
    a, b = draw(5, 3), draw(5, 3, seed=1)
    loss, bound = naive(a, b, scope)
    assert_close(info_nce(a, b), loss, 1e-12, "contrast")
    assert_close(margin(a, b, scope=scope), bound, 1e-12, "margin")


def test_gradients_equal_finite_differences():
    a, b = draw(4, 3).requires_grad_(), draw(4, 3, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(info_nce, (a, b))
    assert torch.autograd.gradcheck(margin, (a, b))
    assert torch.autograd.gradcheck(lambda a, b: margin(a, b, scope="global"), (a, b))


def test_one_row_has_nothing_to_be_told_from():
    a = draw(1, 3).requires_grad_()
    loss = MclrecContrast()(Sequences(torch.stack([a, 2 * a]), learnt=2))
    (grad,) = torch.autograd.grad(loss, a)
    assert_close(loss, 0.0, 1e-15, "loss")
    assert_close(grad, torch.zeros(1, 3), 1e-15, "gradient")


def test_order_of_rows_and_of_views_is_of_no_account():
    a, b, order = draw(6, 3), draw(6, 3, seed=1), torch.tensor([4, 0, 5, 1, 3, 2])
    for loss in (info_nce, margin):
        assert_close(loss(a[order], b[order]), loss(a, b), 1e-13, "order")
        assert_close(loss(b, a), loss(a, b), 1e-13, "views")


def test_cosine_ignores_lengths_and_dot_does_not():
    a, b = draw(4, 3), draw(4, 3, seed=1)
    cosine = info_nce(a, b, similarity="cosine", temperature=0.5)
    assert_close(info_nce(3 * a, b, similarity="cosine", temperature=0.5), cosine, 1e-12, "cosine")
    assert abs(float(info_nce(3 * a, b) - info_nce(a, b))) > 0.1


def test_temperature_and_cosine_are_for_data_views_alone():
    z = torch.stack([draw(4, 3), draw(4, 3, seed=1)])
    objective = MclrecContrast(temperature=0.5, similarity="cosine", margin_weight=0)
    data = Contrast(temperature=0.5, similarity="cosine")
    assert_close(objective(Sequences(z)), data(Sequences(z)), 1e-13, "data views")
    assert_close(objective(Sequences(z, learnt=1)), info_nce(*z), 1e-13, "model views")


def test_margin_pairs_of_the_paper_are_two_learnt_views():
    z = normalize(torch.stack([draw(4, 3), draw(4, 3, seed=1)]), dim=-1)
    objective = MclrecContrast(margin_pairs="model")
    assert_close(objective(Sequences(z, learnt=1)), info_nce(*z), 1e-13, "one")
    both = info_nce(*z) + 0.1 * margin(*z)
    assert_close(objective(Sequences(z, learnt=2)), both, 1e-13, "two")


def test_half_precision_is_computed_in_float32_and_stays_finite():
    a, b = 8 * draw(6, 64).bfloat16(), 8 * draw(6, 64, seed=1).bfloat16()
    for loss in (info_nce, margin):
        found = loss(a, b)
        assert found.dtype == torch.float32
        assert_close(found, loss(a.double(), b.double()), (1e-4, 1e-4), "loss")


def test_views_of_different_shape_are_refused_with_both_shapes():
    for loss in (info_nce, margin):
        with pytest.raises(ValueError, match=r"\(4, 3\) and \(5, 3\)"):
            loss(draw(4, 3), draw(5, 3))
