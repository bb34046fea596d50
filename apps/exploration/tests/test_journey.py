import json
import shutil

import numpy as np
import pytest

from contrast.errors import ConfigError, RunFolderError
from contrast_exploration import journey as opening
from contrast_exploration.journey import Journey, open_run
from contrast_ucb.history import History
from contrast_ucb.mdp import MDP


@pytest.fixture
def changed(folder, tmp_path):
    """A function that gives a copy of the run whose record says something else."""

    def change(**values):
        copy = shutil.copytree(folder, tmp_path / "copy")
        record = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps({**record, **values}))
        return copy

    return change


def test_a_frame_tells_what_was_seen_before_it_and_what_its_policy_is_worth(journey):
    frame = journey.frame(10)
    np.testing.assert_array_equal(frame.visits.sum((1, 2)), [frame.step] * 3)
    worth = journey.process.start @ frame.mean(frame.worth)[0]
    regret = journey.process.optimal_value - worth
    assert journey.regret[frame.step] == pytest.approx(regret, abs=1e-6)
    np.testing.assert_allclose(frame.met.sum(1), 1)


def test_the_plan_in_force_is_the_latest_of_those_kept(game):
    assert game.history.steps == [5, 10, 15, 20, 25]
    assert [game.nearest(step) for step in (0, 5, 9, 10, 29)] == [0, 0, 0, 1, 4]


def test_actions_and_states_have_the_names_of_their_kind(journey, game, lake):
    assert journey.action(1) == "1"
    assert game.action(3) == "1 · 1"
    assert (journey.state(5), lake.state(15), lake.state(16)) == ("5", "15", "over")


def test_of_many_states_those_met_most_are_drawn(journey, monkeypatch):
    assert journey.drawn == list(range(6))
    monkeypatch.setattr(opening, "MOST_STATES", 2)
    few = Journey("few", journey.process, journey.history, list(journey.regret), None)
    met = few.frame(len(few) - 1).visits.sum((0, 2))
    assert met[few.drawn].min() >= np.delete(met, few.drawn).max()


def test_a_lake_is_drawn_as_the_environment_draws_it(lake):
    assert lake.screen.picture(5).startswith("<pre class='screen'>SFFF\nF<mark>H</mark>FH\n")
    assert lake.screen.picture(16) == ""


def test_a_run_of_another_plugin_is_refused_by_its_name(changed):
    with pytest.raises(ConfigError, match="run of plugin `sirl`"):
        open_run(changed(plugin="sirl"))


def test_an_unfinished_run_is_refused_with_the_way_to_finish_it(changed):
    with pytest.raises(RunFolderError, match=r"(?s)state is `stopped`.*contrast resume"):
        open_run(changed(state="stopped"))


def test_a_method_without_a_table_is_refused_with_those_that_have_one(changed):
    with pytest.raises(ConfigError, match=r"(?s)method `deep`.*`method=theory`"):
        open_run(changed(recipe="deep"))


def test_a_run_without_a_plan_is_refused_with_the_way_to_one(trained):
    with pytest.raises(RunFolderError, match=r"(?s)holds no plans.*Run it again"):
        open_run(trained(trainer={"max_epochs": 0}))


def test_scales_end_at_the_largest_of_any_plan():
    process = MDP(np.ones((2, 1, 2, 1)), np.array([[[0.0, 0.5]], [[0.25, 0]]]), np.ones(1))
    assert Journey("one", process, History((2, 1, 2)), [], None).most == (0, 0, 0.75)
