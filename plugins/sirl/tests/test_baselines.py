from dataclasses import replace

import pytest
import torch

from contrast.engine.randomness import generator
from contrast_sirl.baselines import (
    Bench,
    fit_preferences_end_to_end,
    fit_sirl,
    fit_vae,
    principal_components,
    simulated_answers,
    triplet_loss,
)
from contrast_sirl.compare import Row, series
from contrast_sirl.metrics import feature_error
from contrast_sirl.objective import answered_right
from contrast_sirl.several import DECAY, Several, collapsed, decaying_adam, descend


@pytest.fixture(scope="module")
def bench():
    """Points whose first two numbers matter to people, among six."""
    x = torch.rand(120, 6, generator=generator("x"))
    return Bench(x, x[:, :2], torch.arange(100), hidden=16, steps=150, batch=32)


def share_right(bench, encoders):
    answers = simulated_answers(bench, 1, 400, generator("test"))[0]
    return float(answered_right(bench.embed(encoders)[0][answers.T]).float().mean())


def misread(truth, z):
    """The error of what is read off embeddings (K, N, D), the mean over members."""
    errors = [feature_error(one[:100], truth[:100], one[100:], truth[100:]).total for one in z]
    return float(torch.stack(errors).mean())


def test_each_member_computes_what_a_perceptron_of_its_weights_computes():
    several = Several(3, (4, 5, 2), generator=generator("s"))
    x = torch.randn(7, 4, generator=generator("x"))
    for member in range(3):
        w, b = several.weights, several.biases
        hidden = (x @ w[0][member] + b[0][member]).relu()
        expected = hidden @ w[1][member] + b[1][member]
        torch.testing.assert_close(several(x)[member], expected)


def test_members_learn_as_they_would_alone():
    x = torch.randn(7, 4, generator=generator("x"))

    def learnt(members):
        several = Several(members, (4, 5, 2), generator=generator("s"))
        one = Several(1, (4, 5, 2), generator=generator("one"))
        with torch.no_grad():
            for p, first in zip(several.parameters(), one.parameters(), strict=True):
                p[:] = first
        descend(several, lambda step: several(x).square().sum(), steps=5, lr=0.1)
        return several(x)[0]

    torch.testing.assert_close(learnt(1), learnt(3))


def test_the_rate_decays_a_little_with_every_step_and_goes_on_after_a_restart():
    parameter = torch.nn.Parameter(torch.ones(1))
    rates = []
    optimizer = decaying_adam([parameter], 0.5)
    optimizer.register_step_post_hook(lambda o, a, k: rates.append(o.param_groups[0]["lr"]))
    for _ in range(3):
        parameter.grad = torch.ones(1)
        optimizer.param_groups[0]["lr"] = 0.5
        optimizer.step()
    again = decaying_adam([parameter], 0.5)
    again.load_state_dict(optimizer.state_dict())
    again.register_step_post_hook(lambda o, a, k: rates.append(o.param_groups[0]["lr"]))
    again.param_groups[0]["lr"] = 0.5
    again.step()
    assert rates == pytest.approx([0.5 * DECAY**n for n in range(4)])


def test_answers_teach_what_people_look_at(bench):
    before = share_right(bench, bench.encoders(1, generator("t")))
    answers = simulated_answers(bench, 1, 300, generator("q"))
    encoders, restarts = fit_sirl(bench, answers, triplet_loss(), generator("t"))
    assert share_right(bench, encoders) > before + 0.2
    assert restarts == 0


def test_dead_units_are_seen_and_counted_and_the_encoder_starts_anew(bench):
    alike_to_it = replace(bench, x=torch.ones_like(bench.x), steps=200)
    answers = simulated_answers(alike_to_it, 2, 50, generator("q"))
    _, restarts = fit_sirl(alike_to_it, answers, triplet_loss(), generator("t"))
    assert restarts == 4  # both members, at both looks
    assert collapsed(torch.ones(2, 5, 3)).tolist() == [True, True]
    assert not collapsed(torch.eye(3)[None]).any()


def test_a_restart_changes_only_the_members_it_is_for():
    several = Several(2, (3, 4, 2), generator=generator("s"))
    before = [p.clone() for p in several.parameters()]
    several.restart(torch.tensor([False, True]), generator("new"))
    for old, new in zip(before, several.parameters(), strict=True):
        assert torch.equal(old[0], new[0])
        assert not torch.equal(old[1], new[1])


@pytest.mark.parametrize("people", [1, 10])
def test_preferences_teach_an_encoder_too(bench, people):
    taught = bench.embed(fit_preferences_end_to_end(bench, 2, people, 300, generator("p")))
    before = bench.embed(bench.encoders(2, generator("p")))
    assert misread(bench.features, taught) < misread(bench.features, before) / 2


def test_an_autoencoder_codes_trajectories(bench):
    code, before = (
        bench.embed(encoders)[..., :6]
        for encoders in (fit_vae(bench, 1, generator("v")), bench.encoders(1, generator("v"), 12))
    )
    assert misread(bench.x, code) < 0.8 * misread(bench.x, before)


def test_all_are_as_wide_as_the_bench_says(bench):
    narrow = replace(bench, width=3, steps=2)
    made = (
        narrow.embed(narrow.encoders(1, generator("r"))),
        narrow.embed(fit_preferences_end_to_end(narrow, 1, 2, 20, generator("p"))),
        narrow.embed(fit_vae(narrow, 1, generator("v"))).chunk(2, dim=-1)[0],
        principal_components(narrow),
    )
    assert {z.shape for z in made} == {(1, 120, 3)}


def test_components_are_uncorrelated_on_the_training_part(bench):
    z = principal_components(replace(bench, width=3))[0][bench.train]
    covariance = torch.cov(z.T)
    assert (covariance - torch.diag(covariance.diag())).abs().max() < 1e-5


def test_curves_run_over_queries_and_the_others_are_level():
    rows = [Row("sirl", 100, 0.2, 0.6), Row("sirl", 500, 0.1, 0.8), Row("pca", None, 0.3, 0.5)]
    assert series(rows, "fpe") == {
        "sirl": ([100, 500], [0.2, 0.1]),
        "pca": ([100, 500], [0.3, 0.3]),
    }
