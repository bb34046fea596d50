import json

import numpy as np
import pytest
import torch

from contrast.errors import RunFolderError
from contrast.interfaces import Evaluation, Map, Reference, Table
from contrast.reporting import load_evaluations, read_metrics, save_evaluation
from contrast.reporting.records import read_record


def test_an_evaluation_comes_back_as_it_was(run_folder):
    found = load_evaluations(run_folder)["train"]
    assert found.metrics["macro_f1/60"] == 59.61
    assert found.metrics["auc/60"] is None
    assert found.tables[0].rows[0] == ("features only", 34.8, 36.2, None)
    assert found.tables[0].caption == "In percent."
    assert found.maps[0].z.shape == (90, 8)
    assert set(found.maps[0].labels) == {"Drama", "Comedy", "Action"}
    assert found.notes[0].startswith("AUC is not available")
    assert found.references[0] == Reference("macro_f1/20", 53.0, "our trial, one seed", 1.25)
    assert found.references[1].spread is None


def test_tensors_and_numpy_numbers_become_plain_json(tmp_path):
    table = Table("t", ("a", "b"), ((np.float32(0.5), np.int64(3)),))
    drawn = Map("m", torch.ones(2, 3, requires_grad=True), [None, "x"], torch.tensor([7, 8]))
    metrics = {"a": torch.tensor(0.25), "b": np.float64(1)}
    save_evaluation(Evaluation(metrics, (table,), (drawn,)), tmp_path, "train")
    content = json.loads((tmp_path / "evaluation" / "train.json").read_text())
    assert content["metrics"] == {"a": 0.25, "b": 1.0}
    assert content["tables"][0]["rows"] == [[0.5, 3]]
    found = load_evaluations(tmp_path)["train"].maps[0]
    assert found.labels.tolist() == ["unlabelled", "x"]
    assert found.ids.tolist() == [7, 8]
    assert found.ids.dtype.kind == "i"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_a_number_that_is_not_finite_is_refused_and_nothing_is_written(tmp_path, value):
    with pytest.raises(ValueError, match="metric `auc/20` holds"):
        save_evaluation(Evaluation({"auc/20": value}), tmp_path, "train")
    assert not (tmp_path / "evaluation").exists()


def test_a_reference_that_is_not_finite_is_refused_too(tmp_path):
    with pytest.raises(ValueError, match="reference for `f1` holds nan"):
        save_evaluation(Evaluation(references=(Reference("f1", float("nan"), "x"),)), tmp_path, "a")


def test_stages_come_in_the_order_of_writing(tmp_path):
    for stage in ("represent", "control"):
        save_evaluation(Evaluation({"a": 1.0}), tmp_path, stage)
    assert list(load_evaluations(tmp_path)) == ["represent", "control"]


def test_a_later_evaluation_of_a_stage_replaces_the_earlier(tmp_path):
    save_evaluation(Evaluation({"a": 1.0}), tmp_path, "train")
    save_evaluation(Evaluation({"a": 2.0}), tmp_path, "train")
    assert load_evaluations(tmp_path)["train"].metrics == {"a": 2.0}


def test_a_run_without_records_has_none(tmp_path):
    assert read_metrics(tmp_path) == []
    assert load_evaluations(tmp_path) == {}


def test_the_unfinished_last_line_of_a_running_run_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 0}\n{"step": 1, "lo')
    assert read_metrics(tmp_path) == [{"step": 0}]


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 0\n{"step": 1}\n')
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl is damaged"):
        read_metrics(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"metrics": {}}'])
def test_a_foreign_evaluation_is_named(tmp_path, text):
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "train.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"train\.json"):
        load_evaluations(tmp_path)


def test_an_array_that_would_need_unpickling_is_refused(run_folder):
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(run_folder / "evaluation" / "train.0.npz", z=objects)
    with pytest.raises(RunFolderError, match="damaged"):
        load_evaluations(run_folder)


def test_a_folder_that_takes_no_file_is_named(tmp_path):
    (tmp_path / "evaluation").write_text("in the way")
    with pytest.raises(RunFolderError, match="cannot write the evaluation into"):
        save_evaluation(Evaluation({"a": 1.0}), tmp_path, "train")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"{}", b"[1]", b'[{"key": "seed"}]'])
def test_damaged_settings_of_a_run_are_named(run_folder, content):
    (run_folder / "config.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"config\.json is damaged"):
        read_record(run_folder)
