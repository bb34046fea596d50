import numpy as np
import pytest
import torch

import contrast
from contrast.engine.randomness import generator
from contrast_sirl.evaluate import embed
from contrast_sirl.metrics import RIDGE, fit_preferences


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 200 steps with baselines of 200 steps at one number of queries."""
    return contrast.run(
        "sirl",
        data={"features": "code2"},
        sampler={"queries": 200},
        encoder={"hidden": 32},
        trainer={"max_epochs": 2},
        evaluation={"compare": (50,), "people": 3},
        overrides=["trainer.reward.max_epochs=40"],
        runs=tmp_path_factory.mktemp("runs"),
    )


def test_the_report_shows_trajectories_features_curves_and_every_baseline(run):
    page = (run.folder / "report.html").read_text()
    for words in ("Questions and answers", "Features read off", "Reward by place", "by queries"):
        assert words in page
    for method in ("oracle", "raw", "pca", "random", "vae", "single_pref", "multi_pref_50"):
        assert f"<td>{method}</td>" in page


def test_metrics_are_those_of_the_method(run):
    assert 0 < run.metrics["fpe"] < 0.2
    assert run.metrics["fpe/feature"] == pytest.approx(run.metrics["fpe"] / 2)
    assert 0.5 < run.metrics["tpa"] <= 1
    assert run.metrics["answers"] > 1 / 3
    assert run.metrics["restarts"] == 0


def test_the_learnt_reward_is_the_exact_bradley_terry_fit(run):
    parts = contrast.load(run.folder)
    model, asked = parts.encoder, parts.sampler.preferences
    with torch.no_grad():
        z = (embed(parts, "z") - model.centre) / model.deviation
        difference = (z[asked.pairs[:, 1]] - z[asked.pairs[:, 0]])[None]
    exact = fit_preferences(difference, asked.second[None], ridge=RIDGE)[0]
    cosine = torch.cosine_similarity(exact.float(), model.weight.detach(), dim=0)
    assert cosine > 0.98


def test_the_reward_stage_leaves_the_encoder_as_it_was(run):
    assert all(not p.requires_grad for p in contrast.load(run.folder).encoder.phi.parameters())
    found = contrast.api.embed(run.folder)
    assert found.arrays["z"].shape == (1960, 6)
    assert found.arrays["reward"].shape == (1960, 1)
    assert np.ptp(found.arrays["reward"]) > 0


def test_dead_units_are_restarted_and_logged(tmp_path):
    found = contrast.run(
        "sirl",
        data={"features": "code2"},
        encoder={"hidden": 8},
        trainer={"max_epochs": 1, "lr": 1e4},
        evaluation={"compare": (), "people": 1},
        runs=tmp_path,
    )
    assert found.metrics["restarts"] == 1
    assert '"restarts": 1.0' in (found.folder / "metrics.jsonl").read_text()


def test_a_loss_of_the_core_trains_the_same_encoder(tmp_path):
    found = contrast.run(
        "sirl",
        objective="infonce",
        trainer={"max_steps": 3},
        evaluation={"compare": (), "people": 1},
        runs=tmp_path,
    )
    assert found.metrics["fpe"] > 0


def test_the_arm_is_data_too():
    from contrast_sirl.data import jaco

    data = jaco(
        generator=generator("arm"),
        trajectories=6,
        pairs=3,
        radius=0.8,
        joints=True,
        split_by="pair",
        held_out=0.34,
        scale_by="train",
    )
    assert data.steps.shape == (6, 21, 97)
    assert len(data.test) == 2
    assert data.features[data.train].min() == 0
    assert data.features[data.train].max() == 1
