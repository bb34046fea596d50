import math

import pytest
import torch
from torch.nn.functional import normalize

from contrast.engine.randomness import generator
from contrast.objectives.rank_n_contrast import rank_n_contrast
from contrast.objectives.supcon import supcon
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_supremix.form import Ordered
from contrast_supremix.objective import (
    SupReMix,
    anchor_losses,
    binned,
    draw_shares,
    log_weight,
    supremix,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64)


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=generator("u", seed), dtype=torch.float64)


def plain(z, y, share, t, window, weight, mix_neg=True, mix_pos=True, plus=1):
    """The equations as loops over anchors and mixtures."""
    x, n, losses, y = normalize(z, dim=1), len(z), [], y.double()
    fixed = x.detach()
    for i in range(n):
        scores, weights, positives = [], [], []

        def add(candidate, label, positive, i=i, s=scores, w=weights, p=positives):
            p.extend([len(s)] if positive else [])
            s.append(x[i] @ candidate / t)
            w.append(weight(abs(float(y[i] - label))))

        for a in range(n):
            if a != i:
                add(x[a], y[a], bool(y[a] == y[i]))
        for k in range(n):
            if mix_neg and y[k] != y[i]:
                s = share[i, k]
                add(s * fixed[i] + (1 - s) * fixed[k], s * y[i] + (1 - s) * y[k], False)
        for j in range(n):
            for k in range(n):
                inside = 0 < y[i] - y[j] < window and 0 < y[k] - y[i] < window
                if mix_pos and inside:
                    a = (y[k] - y[i]) / (y[k] - y[j])
                    add(a * fixed[j] + (1 - a) * fixed[k], y[i], True)
        scores, weights = torch.stack(scores), torch.tensor(weights, dtype=z.dtype)
        log_d = (scores + weights.log()).logsumexp(0)
        chosen = scores[positives]
        losses.append((log_d - chosen).sum() / max(len(positives) + plus, 1))
    return torch.stack(losses)


@pytest.mark.parametrize("case", vector_cases(__file__, "supremix", "supremix"))
def test_supremix_equals_its_vector(case):
    given, weight = case["inputs"], case["inputs"]["distance_weight"]
    z, y = tensors(given, "embeddings_raw", "labels")
    z.requires_grad_()
    share = tensors(given, "lambda_neg")[0] if given.get("lambda_neg") is not None else None
    losses = supremix(
        z[None],
        y,
        share=share,
        temperature=given["temperature"],
        window=given["window"],
        mix_neg=given["mix_neg"],
        mix_pos=given["mix_pos"],
        distance_weight={True: "l1", False: "none"}.get(weight, weight),
        denominator=given["denominator"],
        reduction="none",
    )[0]
    assert_close(losses, case["per_anchor"], 1e-7, "per_anchor")
    assert_close(losses.mean(), case["expected"], 1e-7, "expected")
    (grad,) = torch.autograd.grad(losses.mean(), z)
    assert_close(grad, case["grad_embeddings_raw"], 1e-7, "grad_embeddings_raw")


@pytest.mark.parametrize("case", vector_cases(__file__, "supremix", "rank_n_contrast"))
def test_rank_n_contrast_equals_its_vector(case):
    given = case["inputs"]
    z, y = tensors(given, "embeddings_raw", "labels")
    z.requires_grad_()
    loss = rank_n_contrast(z[None], y, temperature=given["temperature"])
    assert_close(loss, case["expected"], 1e-7, "expected")
    if "grad_embeddings_raw" in case:
        (grad,) = torch.autograd.grad(loss, z)
        assert_close(grad, case["grad_embeddings_raw"], 1e-7, "grad_embeddings_raw")


WEIGHTS = {
    "l1": lambda d: d + 1,
    "l2": lambda d: d * d + 1,
    "inverse_l1": lambda d: 1 / (d + 1),
    "inverse_l2": lambda d: 1 / (d * d + 1),
    "none": lambda d: 1.0,
}


@pytest.mark.parametrize("kind", WEIGHTS)
@pytest.mark.parametrize("denominator", ["count_plus_one", "count"])
def test_loss_and_gradient_equal_the_loops(kind, denominator):
    z, y = draw(9, 5).requires_grad_(), torch.tensor([3.0, 1, 4, 1, 5, 9, 2, 6, 5])
    share = uniform(9, 9)
    expected = plain(z, y, share, 0.2, 3.0, WEIGHTS[kind], plus=denominator != "count")
    found = supremix(
        z[None],
        y,
        share=share,
        temperature=0.2,
        window=3.0,
        distance_weight=kind,
        denominator=denominator,
        reduction="none",
    )[0]
    assert_close(found, expected, 1e-10, "losses")
    grads = [torch.autograd.grad(each.mean(), z)[0] for each in (found, expected)]
    assert_close(grads[0], grads[1], 1e-10, "gradient")


def test_two_views_are_twice_as_many_rows_of_the_same_labels():
    z, y, share = draw(2, 5, 3), torch.tensor([1.0, 2, 4, 4, 6]), uniform(10, 10)
    found = supremix(z, y, share=share)
    assert_close(
        found, plain(z.flatten(0, 1), y.repeat(2), share, 0.3, 5.0, WEIGHTS["l1"]).mean(), 1e-10
    )


def test_without_mixtures_and_weights_it_is_supcon():
    z, y = draw(1, 8, 4), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    found = supremix(
        z, y, mix_neg=False, mix_pos=False, distance_weight="none", denominator="count"
    )
    assert_close(found, supcon(z, y, temperature=0.3), 1e-10)


def test_problems_of_one_call_know_nothing_of_one_another():
    z, y, share = draw(3, 6, 4), uniform(3, 6).mul(8).round(), uniform(3, 6, 6)
    found = anchor_losses(z, y, share=share)
    for i in range(3):
        alone = supremix(z[i : i + 1], y[i], share=share[i], reduction="none")[0]
        assert_close(found[i], alone, 1e-12)


def test_the_order_and_the_scale_of_rows_do_not_matter():
    z, y, share = draw(7, 4), torch.arange(7.0), uniform(7, 7)
    order = torch.tensor([3, 1, 6, 0, 5, 2, 4])
    found = supremix(z[None], y, share=share, reduction="none")[0]
    moved = supremix(7 * z[order][None], y[order], share=share[order][:, order], reduction="none")
    assert_close(moved[0], found[order], 1e-10)


def test_gradcheck_of_real_pairs():
    y = torch.tensor([0.0, 1, 1, 2, 4])  # mixtures are constants by design, see the loops above
    assert torch.autograd.gradcheck(
        lambda z: supremix(z, y, temperature=0.5, mix_neg=False, mix_pos=False),
        draw(1, 5, 3).requires_grad_(),
    )


def test_a_very_low_temperature_stays_finite():
    z = draw(1, 20, 4).float().requires_grad_()
    loss = supremix(z, torch.arange(20.0) // 2, temperature=1e-3)
    (grad,) = torch.autograd.grad(loss, z)
    assert loss.isfinite()
    assert grad.isfinite().all()


def test_without_any_positive_the_loss_and_its_gradient_are_zero():
    z = draw(1, 4, 3).requires_grad_()
    loss = supremix(z, torch.tensor([0.0, 10, 20, 30]))
    assert loss == 0
    assert not torch.autograd.grad(loss, z)[0].any()


def test_equal_labels_leave_real_pairs_alone():
    loss = supremix(torch.ones(1, 4, 3), torch.zeros(4))
    assert_close(loss, 3 / 4 * math.log(3), 1e-6)


@pytest.mark.parametrize("beta", [(2.0, 8.0), (2.5, 8.0), (2.0, 20.0)])
def test_shares_are_beta_distributed_and_drawn_by_the_generator(beta):
    like, (a, b) = torch.empty(200, 200), beta
    first, again = (draw_shares(like, beta, generator("shares")) for _ in range(2))
    assert (first == again).all()
    assert_close(first.mean(), a / (a + b), 0.003, "mean")
    assert_close(first.var(), a * b / (a + b) ** 2 / (a + b + 1), 0.0005, "variance")


def test_a_form_gives_the_same_mixtures_for_the_same_seed():
    z, y = draw(1, 6, 3), torch.arange(6.0)
    one, two, other = (SupReMix()(Ordered(z, targets=y, moment=(0, s))) for s in (1, 1, 2))
    assert one == two
    assert one != other


def test_binning_makes_equal_what_falls_into_one_bin():
    y = binned(torch.tensor([0.1 + 0.2, 0.3, 0.34, 0.36]), 0.1)
    assert (y == y[0]).tolist() == [True, True, True, False]
    assert (binned(y, 0.0) == y).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": torch.zeros(3)}, "labels must be"),
        ({"share": torch.zeros(2, 2)}, "share must be"),
        ({"temperature": 0.0}, "temperature must be > 0"),
        ({"distance_weight": "l3"}, "distance_weight must be one of"),
        ({"denominator": "sum"}, "denominator must be"),
        ({"z": torch.ones(1, 1, 3), "labels": torch.zeros(1)}, "one row"),
    ],
)
def test_mistakes_are_named(change, message):
    given = {"z": torch.ones(1, 4, 3), "labels": torch.arange(4.0)} | change
    with pytest.raises(ValueError, match=message):
        supremix(**given)


def test_several_targets_are_refused():
    form = Ordered(draw(1, 4, 3), targets=draw(4, 2))
    with pytest.raises(ValueError, match="one model for each"):
        SupReMix()(form)


def test_weights_of_no_distance_are_one():
    for kind in WEIGHTS:
        assert log_weight(torch.zeros(1), kind) == 0


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float64])
def test_large_labels_keep_their_order_among_float32_rows(dtype):
    z, y, share = draw(1, 5, 3).float(), torch.arange(5).to(dtype), uniform(5, 5)
    assert_close(supremix(z, y + 20240131, share=share), supremix(z, y, share=share), 1e-6)
