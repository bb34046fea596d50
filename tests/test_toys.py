"""The interfaces carry what the papers need: each toy, stopped anywhere, resumes bit-identically."""

import json

import pytest

from contrast import api
from contrast.config import resolve
from contrast.errors import ConfigError

METHODS = ("stages", "explore", "alternate", "composed")


@pytest.fixture
def whole(toys, tmp_path):
    def run(method, **options):
        return api.run("toys", method=method, runs=tmp_path / "whole", **options).folder

    return run


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_stopped_and_resumed_run_is_the_run_that_never_stopped(
    whole, recorded, tmp_path, method, stop_after
):
    part = api.run("toys", method=method, runs=tmp_path / "part", max_steps_now=stop_after)
    while part.state != "done":
        part = api.resume(part.folder)
    ended, expected = recorded(part.folder), recorded(whole(method))
    assert ended.keys() == expected.keys()
    assert [name for name in expected if ended[name] != expected[name]] == []


@pytest.mark.parametrize("method", METHODS)
def test_the_cadence_of_checkpoints_and_validations_cannot_change_training(whole, tmp_path, method):
    often = whole(method, trainer={"checkpoint_every": 1, "evaluate_every": 1})
    never = whole(method, trainer={"checkpoint_every": 0, "evaluate_every": 0})

    def steps(folder):
        lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
        return [line for line in lines if "validation" not in line]

    assert steps(often) == steps(never)
    last = sorted(often.glob("checkpoints/*/model.safetensors"))[-1]
    assert last.read_bytes() == (never / last.relative_to(often)).read_bytes()


def test_a_second_stage_trains_its_group_alone_on_what_the_first_has_learnt(whole):
    parts = api.load(whole("stages"))
    result = api.run("toys", method="stages", runs=whole("stages").parent)
    assert set(result.evaluations) == {"represent", "probe"}
    assert parts.encoder.head.weight.requires_grad


def test_an_acting_sampler_collects_with_the_policy_and_plans(whole):
    folder = whole("explore")
    parts = api.load(folder)
    assert parts.sampler.visits.sum() > 0
    assert parts.sampler.plan_table.abs().sum() > 0
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert all("value" in line for line in lines)


def test_alternating_groups_keep_their_own_optimisers(whole):
    folder = whole("alternate")
    state = json.loads(sorted(folder.glob("checkpoints/*/training.json"))[-1].read_text())
    assert set(state["optimizers"]) == {"encoder", "augmenter"}
    assert "momentum" in json.dumps(state["optimizers"]["augmenter"])
    assert "betas" in json.dumps(state["optimizers"]["encoder"])


def test_the_middle_of_three_terms_is_swapped_and_the_others_stay(whole):
    def terms(folder):
        first = json.loads((folder / "metrics.jsonl").read_text().splitlines()[0])
        return {name: first[name] for name in ("task", "contrast", "penalty")}

    default, swapped = terms(whole("composed")), terms(whole("composed", objective="infonce"))
    assert swapped["contrast"] != default["contrast"]
    assert swapped["task"] == default["task"]
    assert swapped["penalty"] == default["penalty"]


def test_a_misfit_is_refused_before_any_work_with_the_objectives_that_fit(toys):
    with pytest.raises(ConfigError, match="align") as needs:
        resolve("toys", ["method=composed", "objective=labelled"])
    assert "reference" in str(needs.value)
    with pytest.raises(ConfigError, match=r"(?i)state"):
        resolve("toys", ["method=alternate", "objective=stateful"])
    with pytest.raises(ConfigError, match="Lists"):
        resolve("toys", ["method=explore", "objective=infonce"])


def test_the_package_outside_the_tree_appears_and_runs(command, tmp_path):
    listed = command("plugins", "--json")
    assert "toys" in {plugin["name"] for plugin in json.loads(listed.stdout)}
    ran = command("run", "plugin=toys", "trainer.represent.max_epochs=1", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert len(list(tmp_path.glob("runs/*/report.html"))) == 1
