import json

import pytest

from contrast import multirun
from contrast.engine.running import RunResult
from contrast.engine.stopping import Stopped
from contrast.errors import ConfigError, TrainingError
from contrast.interfaces import Evaluation
from contrast.testing.processes import in_processes


@pytest.fixture
def sweeping(monkeypatch, tmp_path):
    """Sweeps over three seeds, of which some end in an error."""

    def sweep(errors):
        def run(plugin, *, overrides, runs, name, **_):
            error = errors.get(overrides[-1])
            if error:
                raise error
            found = Evaluation({"score": float(overrides[-1][-1])})
            return RunResult(runs / name, "done", {"train": found})

        monkeypatch.setattr(multirun, "run", run)
        return multirun.multirun("toy", overrides=["seed=0,1,2"], runs=tmp_path, name="sweep")

    return sweep


def summary(tmp_path):
    return json.loads((tmp_path / "sweep/summary.json").read_text())


def test_mean_and_spread_are_over_the_jobs(sweeping, tmp_path):
    done = sweeping({})
    assert [job.name for job in done.jobs] == ["seed=0", "seed=1", "seed=2"]
    ((name, mean, deviation, *_),) = summary(tmp_path)["summary"]["rows"]
    assert (name, mean, deviation) == ("score", 1.0, 1.0)


def test_a_failed_job_stops_nobody(sweeping, tmp_path):
    done = sweeping({"seed=1": TrainingError("the loss is not finite"), "seed=0": KeyError("x")})
    assert [bool(job.error) for job in done.jobs] == [True, True, False]
    assert (tmp_path / "sweep/seed=0.traceback.txt").is_file()
    assert summary(tmp_path)["jobs"][1]["error"] == "the loss is not finite"


def test_the_story_of_a_failed_job_is_kept_whatever_it_sweeps_over(monkeypatch, tmp_path):
    def run(plugin, **_):
        raise KeyError("x")

    monkeypatch.setattr(multirun, "run", run)
    words = ["data.path=/some/a.csv,/some/b.csv"]
    done = multirun.multirun("toy", overrides=words, runs=tmp_path, name="sweep")
    assert [job.error for job in done.jobs] == ["KeyError: 'x'"] * 2
    assert len(list((tmp_path / "sweep").glob("*.traceback.txt"))) == 2


def _sweep(world, folder):
    def run(plugin, *, runs, name, **_):
        return RunResult(runs / name, "done", {})

    multirun.run = run
    done = multirun.multirun("toy", overrides=["seed=0,1"], runs=folder, name="sweep")
    assert done.folder == (folder / "sweep").resolve()


def test_processes_share_one_sweep(tmp_path):
    in_processes(2, _sweep, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep"]
    assert [job["name"] for job in summary(tmp_path)["jobs"]] == ["seed=0", "seed=1"]


def test_a_signal_stops_the_sweep_and_leaves_the_summary_so_far(sweeping, tmp_path):
    with pytest.raises(Stopped, match="go on"):
        sweeping({"seed=1": Stopped("stopped; go on with ...")})
    assert [job["name"] for job in summary(tmp_path)["jobs"]] == ["seed=0"]


def test_nothing_to_sweep_is_told(tmp_path):
    with pytest.raises(ConfigError, match="seed=0,1,2"):
        multirun.multirun("toy", overrides=["seed=0"], runs=tmp_path)
