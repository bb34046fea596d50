"""Every kind of the alignment vectors: values and gradients, in float64."""

import pytest
import torch

from contrast.forms import Lists
from contrast.objectives.bradley_terry import bradley_terry
from contrast.testing.vectors import assert_close, load_vectors, tensors, vector_cases
from contrast_alignment.form import InContext, Judged, YesNo
from contrast_alignment.objectives.copg import copg
from contrast_alignment.objectives.dno import dno_regression
from contrast_alignment.objectives.dpo import dpo
from contrast_alignment.objectives.fdiv_sft import fdiv_sft
from contrast_alignment.objectives.ipo import ipo
from contrast_alignment.objectives.irpo import irpo
from contrast_alignment.objectives.kto import kto
from contrast_alignment.objectives.lipo import lipo
from contrast_alignment.objectives.mapl import mapl_intra
from contrast_alignment.objectives.plackett_luce import pro_ranking
from contrast_alignment.objectives.rerank import (
    contrastive_pull,
    rerank_contrastive,
    rerank_sft,
    sft_pull,
)
from contrast_alignment.objectives.reward import metarm_difference, reward, votes
from contrast_alignment.objectives.rrhf import rrhf
from contrast_alignment.objectives.slic import slic, slic_hf

EXACT = 1e-8
KINDS_OF_LIPO = {
    "lipo_lambda": "lambda",
    "lipo_pairwise_logistic": "logistic",
    "lipo_pairwise_hinge": "hinge",
    "lipo_list_mle": "list_mle",
    "lipo_softmax": "softmax",
    "lipo_pointwise_mse": "mse",
}


def cases(name, *kinds):
    return pytest.mark.parametrize(
        "case", [p for k in kinds for p in vector_cases(__file__, name, k)]
    )


def side_by_side(inputs, first, second, requires_grad=False):
    """Two rows of numbers as lists of two, (N, 2)."""
    pair = torch.stack(tensors(inputs, first, second), dim=1)
    return pair.requires_grad_(requires_grad)


def check_gradient(loss, scores, case, names, tolerance=EXACT):
    (found,) = torch.autograd.grad(loss, scores)
    for column, name in zip(found.unbind(1), names, strict=True):
        assert_close(column, case[name], tolerance, name)


def pairs():
    inputs = load_vectors(__file__, "align_pairwise")["inputs"]
    return Lists(
        side_by_side(inputs, "policy_chosen", "policy_rejected", requires_grad=True),
        reference=side_by_side(inputs, "ref_chosen", "ref_rejected"),
        lengths=side_by_side(inputs, "len_chosen", "len_rejected"),
    )


def check_pairwise(case, function, **settings):
    form = pairs()
    assert_close(function(form, reduction="none", **settings), case["per_example"], EXACT, "each")
    loss = function(form, **settings)
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    check_gradient(loss, form.scores, case, ["grad_policy_chosen", "grad_policy_rejected"])


@cases("align_pairwise", "dpo", "dpo_label_smoothing")
def test_dpo_equals_its_vector(case):
    check_pairwise(case, dpo, **case["hyper"])


@cases("align_pairwise", "dpo_length_normalised")
def test_dpo_by_token_equals_its_vector(case):
    check_pairwise(case, dpo, length_normalize=True, **case["hyper"])


@cases("align_pairwise", "ipo_sum")
def test_ipo_of_sums_equals_its_vector(case):
    check_pairwise(case, ipo, length_normalize=False, **case["hyper"])


@cases("align_pairwise", "ipo_mean")
def test_ipo_of_means_equals_its_vector(case):
    check_pairwise(case, ipo, length_normalize=True, **case["hyper"])


@cases("align_pairwise", "slic_norm_hinge")
def test_slic_equals_its_vector(case):
    check_pairwise(case, slic, **case["hyper"])


@cases("align_pairwise", "slic_hf_rank_calibration_plus_reg")
def test_slic_hf_equals_its_vector(case):
    hyper = case["hyper"]
    check_pairwise(case, slic_hf, delta=hyper["delta"], sft_weight=hyper["lam"])


@cases("align_pairwise", "kto")
def test_kto_equals_its_vector(case):
    form = pairs()
    each = kto(form, reduction="none", **case["hyper"])
    wanted = case["per_example_desirable_then_undesirable"]
    assert_close(each.T.flatten(), wanted, EXACT, "each")
    loss = kto(form, **case["hyper"])
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    check_gradient(loss, form.scores, case, ["grad_policy_chosen", "grad_policy_rejected"])


@cases("align_pairwise", "dno_regression")
def test_dno_equals_its_vector(case):
    form, hyper = pairs(), case["hyper"]
    form = Lists(
        form.scores,
        targets=side_by_side(hyper, "reward_first", "reward_second"),
        reference=form.reference,
    )
    each = dno_regression(form, eta=hyper["eta"], reduction="none")
    assert_close(each, case["per_example"], EXACT, "each")
    loss = dno_regression(form, eta=hyper["eta"])
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    check_gradient(loss, form.scores, case, ["grad_policy_chosen", "grad_policy_rejected"])


def listed(case):
    """The lists of the file, with lengths where the case has them."""
    inputs = load_vectors(__file__, "align_listwise")["inputs"]
    policy, reference, psi = tensors(inputs, "policy_logps", "ref_logps", "psi")
    lengths = case["hyper"].get("lengths")
    return Lists(
        policy.requires_grad_(),
        targets=psi,
        reference=reference,
        lengths=None if lengths is None else torch.tensor(lengths),
    )


def check_listwise(case, form, function, tolerance=EXACT, **settings):
    each = function(form, reduction="none", **settings)
    assert_close(each, case["per_list"], tolerance, "per_list")
    kind = "sum" if "loss_sum" in case else "mean"
    loss = function(form, reduction=kind, **settings)
    assert_close(loss, case[f"loss_{kind}"], tolerance, f"loss_{kind}")
    (found,) = torch.autograd.grad(loss, form.scores)
    assert_close(found, case["grad_policy"], tolerance, "grad_policy")


@cases("align_listwise", *KINDS_OF_LIPO)
def test_lipo_equals_its_vector(case):
    kind = KINDS_OF_LIPO[case["name"]]
    check_listwise(case, listed(case), lipo, kind=kind, beta=case["hyper"]["beta"])


@cases("align_listwise", "rrhf")
def test_rrhf_equals_its_vector(case):
    check_listwise(case, listed(case), rrhf)


@cases("align_listwise", "pro_ranking")
def test_pro_ranking_equals_its_vector(case):
    check_listwise(case, listed(case), pro_ranking)


@cases("align_listwise", "irpo_official", "irpo_clean", "irpo_paper_sum")
def test_irpo_equals_its_vector(case):
    inputs = load_vectors(__file__, "align_listwise")["inputs"]
    policy, reference = tensors(inputs, "policy_logps", "ref_logps", requires_grad=True)
    relevance, positions = tensors(inputs, "irpo_relevance", "irpo_position")
    form = InContext(policy, targets=relevance, reference=reference, positions=positions)
    variant = case["name"].split("_")[1]
    tolerance = 1e-6 if variant == "official" else EXACT
    check_listwise(case, form, irpo, tolerance, variant=variant, beta=case["hyper"]["beta"])


def rewards():
    inputs = load_vectors(__file__, "align_reward")["inputs"]
    (u,) = tensors(inputs, "strength_mean")
    return Judged(
        side_by_side(inputs, "reward_chosen", "reward_rejected", requires_grad=True),
        strength=torch.stack([u, torch.zeros_like(u)], dim=1),
    )


KINDS_OF_REWARD = {
    "bradley_terry": "plain",
    "bradley_terry_released_code": "released",
    "adaptive_margin": "margin",
    "label_smoothing": "smoothing",
    "flip": "flip",
    "flip_margin": "flip_margin",
    "soft_label_margin": "soft_label_margin",
}


@cases("align_reward", *KINDS_OF_REWARD)
def test_a_reward_loss_equals_its_vector(case):
    form = rewards()
    settings = {"kind": KINDS_OF_REWARD[case["name"]], "alpha": case["hyper"].get("alpha", 0.0)}
    each = reward(form, reduction="none", **settings)
    assert_close(each, case["per_example"], EXACT, "each")
    loss = reward(form, **settings)
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    check_gradient(loss, form.scores, case, ["grad_chosen", "grad_rejected"])


@cases("align_reward", "mapl_intra_rm")
def test_a_reward_between_prompts_is_bradley_terry(case):
    form = rewards()
    assert_close(bradley_terry(form.scores, reduction="none"), case["per_example"], EXACT, "each")
    check_gradient(bradley_terry(form.scores), form.scores, case, ["grad_chosen", "grad_rejected"])


def test_the_votes_give_their_mean_and_population_deviation():
    inputs = load_vectors(__file__, "align_reward")["inputs"]
    if "strength_votes" not in inputs:
        pytest.skip("the file has no votes")
    mean, deviation = votes(*tensors(inputs, "strength_votes"))
    assert_close(mean, inputs["strength_mean"], EXACT, "mean")
    assert_close(deviation, inputs["strength_std_population"], EXACT, "deviation")


@cases("align_reward", "metarm_difference")
def test_the_difference_of_metarm_equals_its_vector(case):
    (r,) = tensors(case, "hyper.meta_rewards", requires_grad=True)
    value = metarm_difference(Lists(r))
    assert_close(value, case["value"], EXACT, "value")
    assert_close(torch.autograd.grad(value, r)[0], case["grad"], EXACT, "grad")


@cases("align_reward", "mapl_intra_dpo")
def test_a_preference_between_prompts_equals_its_vector(case):
    hyper = case["hyper"]
    names = ("policy_logp_given_xw", "policy_logp_given_xl")
    scores = side_by_side(hyper, *names, requires_grad=True)
    form = Lists(scores, reference=side_by_side(hyper, "ref_logp_given_xw", "ref_logp_given_xl"))
    loss = mapl_intra(form, beta=hyper["beta"])
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    check_gradient(loss, scores, case, ["grad_xw", "grad_xl"])


FDIV = ("total_variation", "pearson_chi2", "squared_hellinger", "jensen_shannon", "reverse_kl")


@cases("align_reward", *(f"fdiv_sft_{name}" for name in FDIV))
def test_fine_tuning_under_a_divergence_equals_its_vector(case):
    (r,) = tensors(case, "hyper.implicit_reward", requires_grad=True)
    phi = case["name"].removeprefix("fdiv_sft_")
    loss = fdiv_sft(Lists(r[:, None], reference=torch.zeros_like(r)[:, None]), phi=phi, beta=1.0)
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    assert_close(torch.autograd.grad(loss, r)[0], case["grad"], EXACT, "grad")


@cases("align_rerank_grace", "rerank_contrastive")
def test_the_contrast_of_documents_equals_its_vector(case):
    (yes,) = tensors(case, "inputs.yes_logit", requires_grad=True)
    loss = rerank_contrastive(Lists(yes))
    assert_close(loss, case["loss_mean"], EXACT, "loss_mean")
    (found,) = torch.autograd.grad(loss, yes)
    assert_close(found, case["grad_yes"], EXACT, "grad_yes")
    pull = contrastive_pull(Lists(yes))
    assert_close(pull.weight * pull.yes / len(yes), case["grad_yes"], EXACT, "weight x direction")


@cases("align_rerank_grace", "rerank_sft")
def test_the_answer_to_each_document_equals_its_vector(case):
    yes, no = tensors(case, "inputs.yes_logit", "inputs.no_logit", requires_grad=True)
    form = YesNo(yes, no=no)
    assert_close(rerank_sft(form, reduction="none"), case["per_pair"], EXACT, "per_pair")
    loss = rerank_sft(form)
    assert_close(loss, case["loss"], EXACT, "loss")
    for name, found in zip(
        ("grad_yes", "grad_no"), torch.autograd.grad(loss, (yes, no)), strict=True
    ):
        assert_close(found, case[name], EXACT, name)
    pull = sft_pull(form)
    assert_close(pull.weight * pull.yes / len(yes), case["grad_yes"], EXACT, "weight x direction")


@cases("align_copg", "copg")
def test_copg_equals_its_vector(case):
    inputs = load_vectors(__file__, "align_copg")["inputs"]
    scores, reference, rewards = tensors(inputs, "policy_logps", "ref_logps", "rewards")
    form = Lists(scores.requires_grad_(), targets=rewards, reference=reference)
    for variant, loss, gradient in (
        ("gradient", "loss", "grad_policy"),
        ("squared", "squared_form_loss", "squared_form_grad"),
    ):
        found = copg(form, variant=variant, **case["hyper"])
        assert_close(found, case[loss], EXACT, loss)
        (flowing,) = torch.autograd.grad(found, form.scores)
        assert_close(flowing, case[gradient], EXACT, gradient)
