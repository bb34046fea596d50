"""The parts of reward models by themselves: contrasts, MetaRM's step, accuracy."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize, softplus

from contrast.forms import Lists
from contrast.testing.vectors import assert_close
from contrast_alignment.form import Rated
from contrast_alignment.metarm import looking_ahead
from contrast_alignment.records import Record
from contrast_alignment.reward_contrast import codes, simcse, swav
from contrast_alignment.reward_evaluate import right, summary
from contrast_alignment.reward_objective import RewardObjective, differences, picked_states

G = torch.Generator().manual_seed(0)
H, AGAIN = (torch.randn(5, 4, dtype=torch.float64, generator=G) for _ in range(2))
C = torch.randn(3, 4, dtype=torch.float64, generator=G)


def test_simcse_is_its_formula():
    a, b = (normalize(x, dim=1) for x in (H, AGAIN))
    total = 0.0
    for i in range(5):
        scores = [float(a[i] @ b[j]) / 0.2 for j in range(5)]
        total -= scores[i] - math.log(sum(map(math.exp, scores)))
    assert_close(simcse(H, AGAIN, temperature=0.2), total / 5, 1e-12, "loss")


def test_codes_fill_the_prototypes_evenly_and_add_up_to_one():
    scores = torch.randn(600, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    q = codes(0.05 * scores)
    assert_close(q.sum(1), torch.ones(600, dtype=torch.float64), 1e-12, "rows")
    assert (q.mean(0) - 1 / 3).abs().max() < 0.01


def plain_codes(scores):
    """Sinkhorn-Knopp as it is published: on exp(scores / eps) itself."""
    q = (scores / 0.05).exp()
    for _ in range(3):
        q = q / q.sum(0, keepdim=True) / q.shape[1]
        q = q / q.sum(1, keepdim=True) / q.shape[0]
    return q * q.shape[0]


def test_swav_is_its_formula():
    c = normalize(C, dim=1)
    s, t = (normalize(x, dim=1) @ c.T for x in (H, AGAIN))
    p, p_again = ((x / 0.2).softmax(1).log() for x in (s, t))
    wanted = -0.5 * (plain_codes(s) * p_again + plain_codes(t) * p).sum(1)
    assert_close(swav(H, AGAIN, C, temperature=0.2, reduction="none"), wanted, 1e-12, "each")


def test_the_codes_pass_no_gradient():
    centres = C.clone().requires_grad_()
    fixed = swav(H, AGAIN, centres, temperature=0.2)
    (found,) = torch.autograd.grad(fixed, centres)

    def with_codes(c):
        unit = normalize(c, dim=1)
        s, t = (normalize(x, dim=1) @ unit.T for x in (H, AGAIN))
        q = [plain_codes(normalize(x, dim=1) @ normalize(C, dim=1).T) for x in (H, AGAIN)]
        logs = [(x / 0.2).log_softmax(1) for x in (t, s)]
        return -0.5 * (q[0] * logs[0] + q[1] * logs[1]).sum(1).mean()

    other = C.clone().requires_grad_()
    (wanted,) = torch.autograd.grad(with_codes(other), other)
    assert_close(found, wanted, 1e-12, "gradient")


def rated(again=True):
    generator = torch.Generator().manual_seed(2)
    states = torch.randn(2, 4, 3, 5, dtype=torch.float64, generator=generator)
    return Rated(
        scores=torch.randn(4, 3, dtype=torch.float64, generator=generator),
        targets=torch.tensor([[0.0, 2, 1], [1, 0, 2], [2, 1, 0], [0, 1, 0]]),
        mask=torch.tensor([[True] * 3] * 3 + [[True, True, False]]),
        states=states[0],
        again=states[1] if again else None,
    )


def built(**settings):
    given = {
        "state_width": 5,
        "kind": "plain",
        "alpha": 0.1,
        "contrast": "simcse",
        "contrast_on": "difference",
        "contrast_weight": 0.5,
        "temperature": 0.2,
        "prototypes": 3,
    }
    return RewardObjective(**{**given, **settings})


def test_the_difference_is_that_of_best_and_worst():
    form = rated()
    best, worst = [1, 2, 0, 1], [0, 1, 2, 0]
    wanted = torch.stack([form.states[i, best[i]] - form.states[i, worst[i]] for i in range(4)])
    assert_close(differences(form, form.states), wanted, 1e-12, "difference")
    assert picked_states(form, form.states).shape == (11, 5)


@pytest.mark.parametrize("on", ["difference", "responses"])
def test_the_contrast_is_weighed_beside_the_reward(on):
    form = rated()
    terms = built(contrast_on=on)(form)
    pick = differences if on == "difference" else picked_states
    wanted = simcse(pick(form, form.states), pick(form, form.again), temperature=0.2)
    assert_close(terms["contrast"], 0.5 * wanted, 1e-12, "contrast")
    assert_close(terms["reward"], built(contrast="none")(form), 1e-12, "reward")


def test_a_contrast_without_a_second_dropout_is_an_error():
    with pytest.raises(ValueError, match="`again` is missing"):
        built()(rated(again=False))


class Linear(nn.Module):
    """Rewards w'x of rows x, the batch itself."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.3, -0.2], dtype=torch.float64))

    def forward(self, x):
        return Rated(x @ self.w)


def test_metarm_steps_by_the_gradient_at_the_point_ahead():
    model, rate, lr = Linear(), 0.7, 0.1
    pairs = torch.tensor([[[1.0, 0], [0, 1]], [[2, 1], [1, 3]]], dtype=torch.float64)
    own = torch.tensor([[[1.0, 1], [0, 2], [3, 1]]], dtype=torch.float64)
    start = model.w.detach().clone()
    logged = {}
    work = SimpleNamespace(
        trainer=SimpleNamespace(meta_rate=rate),
        parts=SimpleNamespace(encoder=model, sampler=SimpleNamespace(drawn=lambda at: own)),
        at=None,
        log=logged.update,
    )

    def loss(w):
        r = pairs @ w
        return softplus(r[:, 1] - r[:, 0]).mean()

    with looking_ahead(work):
        (gradient,) = torch.autograd.grad(loss(model.w), [model.w])
        with torch.no_grad():
            model.w.sub_(lr * gradient)

    w = start.clone().requires_grad_()
    r = (own @ w)[0]
    gaps = torch.stack([r[0] - r[1], r[0] - r[2], r[1] - r[2]])
    difference = torch.sigmoid(gaps.abs()).mean()  # 2 / (k (k - 1)) times the sum
    (upwards,) = torch.autograd.grad(difference, w)
    ahead = (start + rate * upwards).requires_grad_()
    (wanted,) = torch.autograd.grad(loss(ahead), ahead)
    assert_close(gradient, wanted, 1e-12, "gradient")
    assert_close(model.w.detach(), start - lr * wanted, 1e-12, "weights")
    assert_close(logged["difference"].detach(), difference.detach(), 1e-12, "difference")
    (plain,) = torch.autograd.grad(loss(w), w)
    assert not torch.allclose(plain, wanted)


def test_metarm_leaves_the_weights_where_they_were_if_a_step_fails():
    model = Linear()
    work = SimpleNamespace(
        trainer=SimpleNamespace(meta_rate=0.5),
        parts=SimpleNamespace(
            encoder=model, sampler=SimpleNamespace(drawn=lambda at: torch.randn(2, 3, 2).double())
        ),
        at=None,
        log=lambda **values: None,
    )
    before = model.w.detach().clone()
    with pytest.raises(RuntimeError), looking_ahead(work):
        raise RuntimeError
    assert_close(model.w.detach(), before, 1e-15, "weights")


def test_who_prefers_the_shorter_is_not_known_where_all_are_as_long():
    pairs = [Record(str(i), "?", ("yes", "not"), (1.0, 0.0)) for i in range(3)]
    lists = Lists(torch.tensor([[1.0, 0.0]] * 3), targets=torch.tensor([[1.0, 0.0]] * 3))
    found = summary(lists, pairs, "")
    assert found["accuracy"] == 1
    assert found["accuracy_of_the_shorter"] == 0.5
    assert found["prefers_the_shorter"] is None


def test_accuracy_counts_ties_half_and_leaves_lists_without_a_pair_out():
    scores = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    assert right(Lists(scores, targets=targets)).tolist() == [1.0, 0.0, 0.5]
