import pytest

import contrast
from contrast.errors import ConfigError
from contrast.testing.battery import battery
from contrast_ucb.pictures import step_grid

SMALL = ("data.horizon=3", "data.actions=2", "data.observations=2", "evaluation.seeds=1")

TestUcb = battery("ucb", *SMALL)
TestLowRank = battery(
    "ucb",
    "data=lowrank",
    "data.horizon=2",
    "data.states=4",
    "sampler=lsvi",
    "evaluation.compare=[]",
)
TestCounts = battery(
    "ucb", *SMALL, "sampler=counts", "sampler.negatives=drawn", "evaluation.compare=[]"
)

TestGame = battery(
    "ucb", "method=game", "data.horizon=2", "data.observations=1", "evaluation.seeds=1"
)


def test_the_bonus_opens_a_lock_at_which_greed_stays_with_the_decoy(tmp_path):
    result = contrast.run(
        "ucb",
        seed=0,
        data={"horizon": 4, "actions": 3, "observations": 2},
        trainer={"max_epochs": 20},
        evaluation={"compare": ["no_bonus"], "seeds": 1},
        runs=tmp_path,
    )
    assert result.metrics["regret/last"] < 0.2
    report = (result.folder / "report.html").read_text()
    assert "the same features without a bonus" in report


def test_a_run_stands_beside_the_baseline_of_its_own_name(tmp_path):
    result = contrast.run(
        "ucb",
        data={"horizon": 2, "actions": 2, "observations": 1},
        sampler="counts",
        trainer={"max_epochs": 1},
        evaluation={"compare": ["counts"], "seeds": 2},
        runs=tmp_path,
    )
    report = (result.folder / "report.html").read_text()
    assert "this run" in report
    assert "empirical model, bonus of counts" in report


def test_the_bonus_of_the_report_is_that_of_the_plan(tmp_path):
    result = contrast.run(
        "ucb",
        data={"horizon": 2, "actions": 2, "observations": 1},
        sampler="lsvi",
        trainer={"max_epochs": 1},
        evaluation={"compare": []},
        runs=tmp_path,
    )
    parts = contrast.load(result.folder)
    bonus = parts.sampler.bonus(parts.data.features)
    assert step_grid(bonus.max(-1)) in (result.folder / "report.html").read_text()


def test_an_unknown_baseline_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(ConfigError, match="epsilon"):
        contrast.run(
            "ucb",
            evaluation={"compare": ["epsilom"]},
            trainer={"max_epochs": 1},
            runs=tmp_path,
        )
