import numpy as np
import pytest
import torch

import contrast
from contrast_sirl import evaluate
from contrast_sirl.pictures import Stage, mean_by_place
from contrast_sirl.trajectories import Scene

SMALL = {"trainer": {"max_epochs": 0}, "evaluation": {"people": 1, "compare": [10]}}


def test_baselines_have_the_network_the_batches_and_the_person_of_the_run(tmp_path, monkeypatch):
    seen = {}

    def trained(exam, queries, loss, known, **how):
        seen.update(width=exam.bench.width, batch=exam.bench.batch, **how)
        return []

    monkeypatch.setattr(evaluate, "trained", trained)
    sampler = {"batch_size": 8, "answer_rule": "anchor", "rationality": 3.0, "queries": 10}
    contrast.run("sirl", encoder={"width": 3}, sampler=sampler, runs=tmp_path, **SMALL)
    assert seen == {"width": 3, "batch": 8, "rule": "anchor", "rationality": 3.0}


def test_what_is_not_held_out_is_said_to_be_the_reason(tmp_path):
    run = contrast.run("sirl", data={"held_out": 0.0}, runs=tmp_path, **SMALL)
    report = (run.folder / "report.html").read_text()
    assert "No trajectory is held out" in report
    assert "No true features" not in report


def test_a_test_in_which_all_are_equal_has_no_score(tmp_path):
    (tmp_path / "f.csv").write_text("\n".join(["trajectory,far", *(f"{i},1" for i in range(9))]))
    np.savez(tmp_path / "s.npz", states=np.random.default_rng(0).normal(size=(9, 2, 2)))
    paths = {"path": str(tmp_path / "s.npz"), "features": str(tmp_path / "f.csv")}
    asked = {"people": 1, "compare": []}
    run = contrast.run(
        "sirl",
        data={"name": "trajectories", "held_out": 0.3, **paths},
        trainer={"max_epochs": 0},
        evaluation=asked,
        runs=tmp_path / "runs",
    )
    assert run.metrics["reward/test"] is None


@pytest.mark.parametrize(("apart", "cells"), [(1.0, 9), (1000.0, 9), (0.5, 9)])
def test_a_map_has_few_cells_whatever_the_unit(apart, cells):
    paths = torch.arange(9.0)[None, :, None].expand(2, -1, 2) * apart
    stage = Stage(Scene(paths), torch.ones(2, 9, dtype=torch.bool))
    means, side = mean_by_place(stage, np.array([1.0, 3.0]))
    assert len(means) == cells
    assert set(means.values()) == {2.0}
    assert stage.span / 13 < side <= apart


def test_a_map_of_whole_numbers_far_apart_is_no_finer_than_another():
    paths = (torch.rand(50, 40, 2, generator=torch.Generator().manual_seed(0)) * 5000).round()
    stage = Stage(Scene(paths), torch.ones(50, 40, dtype=torch.bool))
    assert len(mean_by_place(stage, np.zeros(50))[0]) <= 13 * 13
