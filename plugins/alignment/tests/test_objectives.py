"""What every objective on lists promises: ties, single responses, missing ones, extreme ones."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from contrast.forms import Lists
from contrast.testing.vectors import assert_close
from contrast_alignment.form import InContext, Judged, Responses
from contrast_alignment.objectives.copg import copg
from contrast_alignment.objectives.dno import accepted, dno_contrastive, dno_regression
from contrast_alignment.objectives.dpo import dpo
from contrast_alignment.objectives.fdiv_sft import clamped, fdiv_sft
from contrast_alignment.objectives.ipo import ipo
from contrast_alignment.objectives.irpo import irpo
from contrast_alignment.objectives.kto import kto
from contrast_alignment.objectives.lipo import lipo
from contrast_alignment.objectives.mapl import mapl_inter
from contrast_alignment.objectives.plackett_luce import pro_ranking
from contrast_alignment.objectives.rerank import rerank_contrastive
from contrast_alignment.objectives.reward import metarm_difference, reward
from contrast_alignment.objectives.rrhf import rrhf
from contrast_alignment.objectives.slic import slic, slic_hf

PREFERRING = {
    "dpo": dpo,
    "cdpo": partial(dpo, label_smoothing=0.2),
    "dpo by token": partial(dpo, length_normalize=True),
    "ipo": ipo,
    "ipo of sums": partial(ipo, length_normalize=False),
    "slic": slic,
    "slic_hf": slic_hf,
    "rrhf": rrhf,
    "pro_ranking": pro_ranking,
    "lipo lambda": lipo,
    "lipo logistic": partial(lipo, kind="logistic"),
    "lipo hinge": partial(lipo, kind="hinge"),
    "lipo list_mle": partial(lipo, kind="list_mle"),
    "dno_contrastive": dno_contrastive,
    "reward": reward,
    "kto": kto,
}
ABSOLUTE = {
    "copg": copg,
    "copg squared": partial(copg, variant="squared"),
    "lipo mse": partial(lipo, kind="mse"),
    "lipo sigmoid": partial(lipo, kind="sigmoid"),
    "lipo softmax": partial(lipo, kind="softmax"),
    "irpo": irpo,
    "irpo official": partial(irpo, variant="official"),
    "irpo paper": partial(irpo, variant="paper"),
    "dno_regression": dno_regression,
    "fdiv_sft": partial(fdiv_sft, phi="jensen_shannon"),
    "rerank": rerank_contrastive,
    "metarm": metarm_difference,
}
ALL = PREFERRING | ABSOLUTE
everyone = pytest.mark.parametrize("loss", ALL.values(), ids=ALL)


def lists(n=3, k=4, dtype=torch.float64, scale=5.0):
    draw = torch.Generator().manual_seed(0)
    scores = -scale * (1 + torch.rand(n, k, generator=draw, dtype=dtype))
    shift = torch.randn(n, k, generator=draw, dtype=dtype)
    return Responses(
        scores.requires_grad_(),
        targets=torch.rand(n, k, generator=draw, dtype=dtype),
        reference=scores.detach() + shift,
        lengths=torch.randint(1, 9, (n, k), generator=draw),
        mismatched=shift.flip(0) + 1,
    )


def gradient(loss, form):
    return torch.autograd.grad(loss(form), form.scores)[0]


@pytest.mark.parametrize("loss", PREFERRING.values(), ids=PREFERRING)
def test_equal_grades_give_no_loss_and_no_gradient(loss):
    form = lists()
    form = replace(form, targets=torch.full_like(form.targets, 0.5))
    assert loss(form) == 0
    assert not gradient(loss, form).any()


@everyone
def test_one_response_is_finite(loss):
    form = lists(k=1)
    assert loss(form).isfinite()
    assert gradient(loss, form).isfinite().all()


@everyone
def test_a_response_that_does_not_exist_changes_nothing(loss):
    form = lists()
    mask = torch.tensor([True, True, True, False]).expand(3, 4)
    fields = {name: value[:, :3] for name, value, _ in form.tensors()}
    short = Responses(**fields)
    padded = replace(form, mask=mask)
    assert_close(loss(padded), loss(short), 1e-12, "loss")
    found = gradient(loss, padded)
    assert_close(found[:, :3], gradient(loss, form_of(fields)), 1e-12, "gradient")
    assert not found[:, 3].any()


@everyone
def test_padding_may_hold_anything(loss):
    form = lists()
    mask = torch.tensor([True, True, True, False]).expand(3, 4)
    there = {name: value[:, :3] for name, value, _ in form.tensors()}
    found = []
    for filled in (0, torch.nan):
        fields = {
            name: torch.cat([value, value.new_full((3, 1), filled)], 1)
            for name, value in there.items()
            if value.is_floating_point()
        }
        padded = replace(form_of(fields), lengths=form.lengths * mask, mask=mask)
        found.append((loss(padded), gradient(loss, padded)))
    (loss_of_zeros, slope_of_zeros), (loss_of_nans, slope_of_nans) = found
    assert loss_of_nans == loss_of_zeros
    assert (slope_of_nans == slope_of_zeros).all()
    assert slope_of_nans.isfinite().all()


def test_items_that_do_not_exist_have_no_place():
    form = lists()
    mask = torch.tensor([True, True, True, False]).expand(3, 4)
    places = torch.tensor([3, 1, 2, 0]).expand(3, 4)
    fields = {name: getattr(form, name) for name in ("scores", "targets", "reference")}
    found = gradient(irpo, InContext(**fields, mask=mask, positions=places))
    short = {name: value[:, :3].detach() for name, value in fields.items()}
    short["scores"].requires_grad_()
    wanted = gradient(irpo, InContext(**short, positions=places[:, :3]))
    assert_close(found[:, :3], wanted, 1e-12, "gradient")
    assert not found[:, 3].any()


@pytest.mark.parametrize("kind", ["margin", "flip", "flip_margin", "soft_label_margin"])
def test_votes_on_responses_that_do_not_exist_count_for_nothing(kind):
    form = lists(k=3)
    strength = torch.tensor([1.0, 0.5, torch.nan]).expand(3, 3)
    mask = torch.tensor([True, True, False]).expand(3, 3)
    judged = Judged(form.scores, form.targets, mask=mask, strength=strength)
    assert gradient(partial(reward, kind=kind), judged).isfinite().all()


def form_of(fields):
    return Responses(**fields | {"scores": fields["scores"].detach().requires_grad_()})


@everyone
def test_an_empty_list_beside_others_is_left_out(loss):
    form = lists()
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    kept = Responses(**{name: value[[0, 2]] for name, value, _ in form.tensors()})
    padded = replace(form, mask=mask)
    assert_close(loss(padded), loss(kept), 1e-12, "loss")
    assert gradient(loss, padded).isfinite().all()


@everyone
def test_the_gradient_is_that_of_the_loss(loss):
    form = lists(n=2)
    torch.autograd.gradcheck(lambda s: loss(replace(form, scores=s)), form.scores)


@everyone
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_long_responses_stay_finite(loss, dtype):
    form = lists(dtype=torch.float32, scale=3000.0)
    form = replace(form, scores=form.scores.detach().to(dtype).requires_grad_())
    value = loss(form)
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert gradient(loss, form).isfinite().all()


@everyone
def test_the_order_of_the_lists_does_not_matter(loss):
    form = lists()
    turned = Responses(**{name: value.flip(0) for name, value, _ in form.tensors()})
    assert_close(loss(turned), loss(form), 1e-12, "loss")


def test_dpo_of_the_reference_itself_is_log_two_exactly():
    form = lists(dtype=torch.float32)
    form = replace(form, reference=form.scores.detach())
    assert dpo(form).item() == torch.tensor(math.log(2)).item()


def test_dpo_of_a_list_is_the_mean_of_its_pairs():
    form = lists(n=1, k=3)
    order = form.targets[0].argsort(descending=True).tolist()
    pairs = [[order[a], order[b]] for a in range(3) for b in range(a + 1, 3)]
    rows = {name: value[0][torch.tensor(pairs)] for name, value, _ in form.tensors()}
    assert_close(dpo(form), dpo(Lists(rows["scores"], reference=rows["reference"])), 1e-12)


def test_lambda_equals_the_equation_in_loops():
    form, beta = lists(n=1), 0.3
    s = (beta * (form.scores - form.reference))[0].tolist()
    psi = form.targets[0].tolist()
    rank = {i: place for place, i in enumerate(sorted(range(4), key=lambda i: -s[i]), start=1)}
    total = 0.0
    for i in range(4):
        for j in range(4):
            if psi[i] > psi[j]:
                gain = abs(2 ** psi[i] - 2 ** psi[j])
                discount = abs(1 / math.log(1 + rank[i]) - 1 / math.log(1 + rank[j]))
                total += gain * discount * math.log(1 + math.exp(s[j] - s[i]))
    assert_close(lipo(form, beta=beta), total, 1e-12, "loss")


def test_items_without_relevance_ask_for_nothing():
    form = lists()
    form = InContext(form.scores, torch.zeros(3, 4), reference=form.reference)
    assert irpo(form) == 0
    assert not gradient(irpo, form).any()


def test_responses_are_desirable_above_the_mean_of_their_list_or_one_half():
    form = Lists(
        torch.zeros(2, 3, requires_grad=True),
        targets=torch.tensor([[1.0, 0.0, 0.5], [1.0, 0.0, 0.0]]),
        mask=torch.tensor([[True, True, True], [True, False, False]]),
        reference=torch.zeros(2, 3),
    )
    found = gradient(partial(kto, kl=0.0), form)
    assert_close(found.sign(), [[-1.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], 0.0, "direction")


def test_only_large_gaps_with_good_winners_pass_the_filter():
    form = Lists(torch.zeros(1, 3), targets=torch.tensor([[6.0, 3.0, 1.0]]))
    assert accepted(form, margin=2.5, floor=4.0).nonzero().tolist() == [[0, 0, 1], [0, 0, 2]]


def test_plain_fine_tuning_is_the_total_variation():
    form = lists()
    found = gradient(partial(fdiv_sft, phi="total_variation"), form)
    best = form.targets.argmax(1)
    assert_close(found[torch.arange(3), best], [-1 / 3] * 3, 1e-12, "gradient")
    assert_close(found.sum(), -1.0, 1e-12, "gradient")


def test_rewards_outside_the_domain_of_a_divergence_are_clamped_and_counted():
    form = Lists(torch.tensor([[-5.0], [0.5]]), reference=torch.zeros(2, 1))
    assert fdiv_sft(form, phi="squared_hellinger").isfinite()
    assert clamped(form, 1.0, "squared_hellinger") == 1
    assert clamped(form, 1.0, "pearson_chi2") == 0


def test_a_wider_gap_under_added_constraints_is_less_loss():
    plain = Lists(torch.tensor([[1.0, 0.0]]))
    wider, narrower = (Lists(torch.tensor([[gap, 0.0]])) for gap in (3.0, 0.5))
    assert mapl_inter(plain, wider) < math.log(2) < mapl_inter(plain, narrower)


def test_what_an_objective_lacks_is_named():
    form = Lists(torch.zeros(1, 2))
    for loss, missing in ((dpo, "reference"), (rrhf, "lengths"), (kto, "reference")):
        with pytest.raises(ValueError, match=missing):
            loss(form)
    with pytest.raises(ValueError, match="mismatched"):
        kto(replace(form, reference=torch.zeros(1, 2)))
    with pytest.raises(ValueError, match="votes"):
        reward(form, kind="flip")
    with pytest.raises(ValueError, match="one shape"):
        dpo(replace(form, reference=torch.zeros(1, 3)))
    with pytest.raises(ValueError, match="kind must be"):
        lipo(replace(form, reference=torch.zeros(1, 2)), kind="lamda")


def test_a_flip_with_votes_in_favour_is_the_plain_loss():
    form = lists(k=2)
    judged = Judged(form.scores, form.targets, strength=form.targets)
    assert_close(reward(judged, kind="flip"), reward(judged), 1e-12, "loss")
