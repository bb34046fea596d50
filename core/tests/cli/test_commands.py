"""Each command, its data on standard output and its words on standard error."""

import json
import signal
import time

import numpy as np
import pytest

QUICK = ("data.samples=24", "trainer.max_epochs=2")


@pytest.fixture
def trained(contrast, toy, tmp_path):
    done = contrast("run", "plugin=toy", *QUICK, "--runs", tmp_path / "runs", "--json")
    assert done.code == 0, done.err
    return tmp_path / "runs/toy-blobs-seed0"


def test_run_says_what_to_do_without_a_plugin(contrast, gallery):
    done = contrast("run")
    assert done.code == 2
    assert done.err.startswith("error: say which plugin to run: `contrast run plugin=")
    assert "`gallery`" in done.err


@pytest.mark.parametrize(("word", "meant"), [("gallery", "plugin=gallery"), ("acm", "data=acm")])
def test_run_says_what_a_bare_word_may_mean(contrast, gallery, word, meant):
    done = contrast("run", word)
    assert done.code == 2
    assert done.err == (f"error: `{word}` is not of the form key=value; did you mean `{meant}`?\n")


def test_run_takes_the_plugin_from_a_file(contrast, toy, tmp_path):
    file = tmp_path / "my.yaml"
    file.write_text("plugin: toy\nseed: 7\n")
    done = contrast("run", "--config", file, "--dry-run", "--json")
    origins = {e["key"]: e["origin"] for e in json.loads(done.out)["configuration"]}
    assert origins["seed"] == "file my.yaml"
    assert origins["plugin"] == "file my.yaml"


def test_run_prints_metrics_as_json_and_words_apart(contrast, toy, tmp_path):
    done = contrast("run", "plugin=toy", *QUICK, "--runs", tmp_path, "--name", "mine", "--json")
    found = json.loads(done.out)
    assert found["folder"] == str(tmp_path / "mine")
    assert found["state"] == "done"
    assert found["metrics"]
    assert "train  step 2/2" in done.err
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("dcl", "without another sample there is no negative"),
        ("cacr", "2 samples or more"),
        ("groco", "set `objective.topk_neg` lower or the batch larger"),
        ("mw", "and a negative, among 1"),
    ],
)
def test_a_batch_too_small_for_the_objective_is_no_bug(contrast, toy, tmp_path, objective, said):
    words = (f"objective={objective}", "sampler.batch_size=1")
    done = contrast("run", "plugin=toy", *QUICK, *words, "--runs", tmp_path)
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("error: ")
    assert said in done.err


def test_an_observer_of_the_core_writes_into_the_run_s_folder(contrast, toy, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is an optional extra")
    done = contrast("run", "plugin=toy", *QUICK, "--runs", tmp_path, "--observer", "tensorboard")
    assert done.code == 0, done.err
    assert len(list(tmp_path.glob("toy-blobs-seed0/tensorboard/train/events.*"))) == 1


def test_run_prints_tables_for_people(contrast, toy, tmp_path):
    done = contrast("run", "plugin=toy", *QUICK, "--runs", tmp_path)
    assert done.code == 0
    assert "accuracy" in done.out
    assert str(tmp_path / "toy-blobs-seed0/report.html") in done.err


def test_a_dry_run_shows_every_value_parameters_and_a_batch(contrast, toy, tmp_path):
    done = contrast("run", "plugin=toy", "seed=3", "--dry-run", "--runs", tmp_path / "no")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["seed", "3", "command", "line"] in lines
    assert ["trainer.lr", "0.01", "default"] in lines
    assert ["batch.x", "(2,", "32,", "8)", "float32"] in lines
    assert "280 trainable parameters" in done.out
    assert not (tmp_path / "no").exists()


def test_a_dry_run_shows_a_value_in_brackets(contrast, toy):
    done = contrast("run", "plugin=toy", "data=table", "data.path=[mine].csv", "--dry-run")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["data.path", "[mine].csv", "command", "line"] in lines


def test_a_dry_run_says_what_is_dropped(contrast, gallery, monkeypatch):
    from contrast import api

    monkeypatch.setattr(api, "dry_run", lambda resolved: api.DryRun(0, []))
    done = contrast("run", "plugin=gallery", "data=big", "encoder=flat", "--dry-run")
    assert "not used: encoder.layers=7 (preset big)" in done.err


def test_a_sweep_shows_mean_and_spread(contrast, toy, tmp_path):
    done = contrast(
        "run", "plugin=toy", *QUICK, "seed=0,1", "--multirun", "--runs", tmp_path, "--json"
    )
    found = json.loads(done.out)
    assert set(found["metrics"]) == {"seed=0", "seed=1"}
    assert found["failed"] == {}


def test_a_failed_job_stops_nobody_and_is_told(contrast, toy, tmp_path):
    words = ("data=table", f"data.path={tmp_path}/no.csv", "seed=0,1")
    done = contrast("run", "plugin=toy", *words, "--multirun", "--runs", tmp_path)
    assert done.code == 1
    assert "failed: seed=0:" in done.err
    assert "failed: seed=1:" in done.err


def test_a_mistake_in_any_job_is_refused_before_the_first(contrast, toy, tmp_path):
    done = contrast("run", "plugin=toy", "seed=0,x", "--multirun", "--runs", tmp_path / "runs")
    assert done.code == 2
    assert "`seed` must be a whole number, got `x`" in done.err
    assert not (tmp_path / "runs").exists()


def test_a_stopped_run_names_the_command_that_goes_on(process, toy, tmp_path, contrast):
    begun = process("run", "plugin=toy", "trainer.max_epochs=100000", "--runs", tmp_path)
    metrics = tmp_path / "toy-blobs-seed0/metrics.jsonl"
    while not metrics.exists() or not metrics.read_bytes():
        assert begun.poll() is None, begun.stderr.read()
        time.sleep(0.02)
    begun.send_signal(signal.SIGTERM)
    _, err = begun.communicate(timeout=60)
    assert begun.returncode == 143
    assert f"contrast resume {tmp_path / 'toy-blobs-seed0'}" in err
    assert "Traceback" not in err


def test_resume_of_a_finished_run_shows_it_again(contrast, trained):
    done = contrast("resume", trained, "--json")
    assert json.loads(done.out)["state"] == "done"


def test_commands_on_something_that_is_no_run_are_user_s_mistakes(contrast, tmp_path):
    for command in (["resume"], ["eval"], ["embed", "--out", tmp_path / "e.npz"]):
        done = contrast(command[0], tmp_path / "nothing", *command[1:])
        assert done.code == 2
        assert "is not a run folder" in done.err


def test_eval_gives_the_metrics_again(contrast, trained):
    found = json.loads(contrast("eval", trained, "--json").out)
    assert found["train"]


def test_embed_writes_ids_and_embeddings(contrast, trained, tmp_path):
    done = contrast("embed", trained, "--out", tmp_path / "e.npz")
    assert done.out.strip() == str(tmp_path / "e.npz")
    with np.load(tmp_path / "e.npz", allow_pickle=False) as found:
        assert found["ids"].tolist() == list(range(24))
        assert found["z"].shape == (24, 8)


def test_embed_refuses_before_the_work_what_it_could_not_write(contrast, trained, tmp_path):
    done = contrast("embed", trained, "--out", "e.pickle")
    assert (done.code, "`.parquet`, `.npz`" in done.err) == (2, True)
    (tmp_path / "old.npz").touch()
    done = contrast("embed", trained, "--out", tmp_path / "old.npz")
    assert (done.code, "is not overwritten" in done.err) == (2, True)


def test_export_names_the_folder(contrast, trained, tmp_path):
    done = contrast("export", trained, tmp_path / "exported")
    assert done.out.strip() == str(tmp_path / "exported")


def test_plugins_lists_versions_and_papers(contrast, site):
    site.install(
        "seen", "x = 1", metadata=["Project-URL: Paper, https://arxiv.org/abs/1", "Summary: sees"]
    )
    done = contrast("plugins")
    assert ["seen", "1.0", "https://arxiv.org/abs/1", "sees"] in [
        line.split() for line in done.out.splitlines()
    ]


def test_plugins_check_names_the_broken(contrast, site):
    site.install_gallery()
    site.install("bomb", "raise RuntimeError('boom')")
    done = contrast("plugins", "--check", "--json")
    problems = {each["name"]: each["problem"] for each in json.loads(done.out)}
    assert problems["gallery"] is None
    assert "RuntimeError: boom" in problems["bomb"]
    assert done.code == 1
    assert "broken: bomb of contrast-bomb 1.0" in done.err


def test_info_shows_every_key_with_type_default_range_and_help(contrast, gallery):
    out = contrast("info", "gallery").out
    row = next(line for line in out.splitlines() if "data.rate" in line)
    assert "a number" in row
    assert "0.5" in row
    assert "> 0 and < 1" in row
    assert "objective=infonce" in out
    assert "objective=listwise" not in out  # it does not fit
    assert "preset of data=big  encoder.name=deep encoder.layers=7" in out


def test_info_as_json_is_complete(contrast, gallery):
    found = json.loads(contrast("info", "gallery", "--json").out)
    one = found["methods"][0]
    assert [method["method"] for method in found["methods"]] == ["one", "two"]
    assert one["presets"]["big"]["trainer"] == {"lr": 0.25}
    keys = [key["key"] for part in one["slots"]["data"] for key in part["keys"]]
    assert "data.id" in keys
    assert "data.high" in keys


def test_info_objectives_shows_the_core_s(contrast):
    found = json.loads(contrast("info", "objectives", "--json").out)
    assert "infonce" in [part["name"] for part in found]
    assert "objective=infonce" in contrast("info", "objectives").out


def test_doctor_tells_what_is_there_and_what_is_amiss(contrast, site, monkeypatch, tmp_path):
    site.install("bomb", "raise RuntimeError('boom')")
    monkeypatch.setenv("CONTRAST_DATA_DIR", str(tmp_path / "nowhere"))
    found = json.loads(contrast("doctor", "--json").out)
    assert found["torch"]
    assert "cpu" in found["devices"]
    assert any("RuntimeError: boom" in sentence for sentence in found["amiss"])
    assert any("nowhere, which is no folder" in sentence for sentence in found["amiss"])
    assert "amiss:" in contrast("doctor").out


@pytest.fixture
def swept(contrast, toy, tmp_path):
    words = (*QUICK, "seed=0,1", "objective=agreement,infonce", "--name", "sweep")
    done = contrast("run", "plugin=toy", *words, "--multirun", "--runs", tmp_path)
    assert done.code == 0, done.err
    return tmp_path / "sweep"


def test_compare_shows_groups_with_their_spread_and_writes_a_page(contrast, swept, tmp_path):
    out = tmp_path / "mine.html"
    done = contrast("compare", swept, "--out", out)
    assert done.code == 0, done.err
    assert [line.split() for line in done.out.splitlines() if line.startswith(" metric")] == [
        ["metric", "agreement", "infonce"]
    ]
    assert " ± " in done.out
    assert done.err == f"comparison: {out}\n"
    assert "Learning curves" in out.read_text()


def test_compare_prints_for_programs_and_chooses_a_new_name(contrast, swept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "comparison.html").touch()
    found = json.loads(contrast("compare", swept, "--json").out)
    assert found["page"] == "comparison-2.html"
    assert [group["label"] for group in found["groups"]] == ["agreement", "infonce"]
    assert found["groups"][0]["seeds"] == [0, 1]
    assert set(found["groups"][0]["metrics"]["accuracy/embedding"]) == {
        *("mean", "std", "min", "max", "n")
    }


def test_compare_refuses_a_page_that_cannot_be_before_the_work(contrast, tmp_path):
    (tmp_path / "old.html").touch()
    (tmp_path / "link.html").symlink_to("nowhere")
    for name, words in (
        ("old.html", "is not overwritten"),
        ("link.html", "is not overwritten"),
        ("nodir/c.html", "is no folder"),
    ):
        done = contrast("compare", tmp_path / "nothing", "--out", tmp_path / name)
        assert (done.code, words in done.err) == (2, True)
