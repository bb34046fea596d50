from __future__ import annotations

import json

import pytest
import torch

from contrast.errors import DataError
from contrast.testing.vectors import assert_close, load_vectors, tensors, vector_cases

CASES = [{"kind": "loss", "x": 1}, {"kind": "norm", "x": 2}, {"kind": "loss", "x": 3}]


@pytest.fixture
def test_file(tmp_path, monkeypatch):
    monkeypatch.delenv("CONTRAST_VECTORS", raising=False)
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "toy.json").write_text(json.dumps({"cases": CASES}))
    return str(tmp_path / "test_toy.py")


def test_vector_cases_of_a_kind_are_numbered(test_file):
    found = vector_cases(test_file, "toy", "loss")
    assert [case.id for case in found] == ["loss-0", "loss-1"]
    assert [case.values[0]["x"] for case in found] == [1, 3]


def test_vector_cases_without_a_kind_are_all(test_file):
    assert [case.id for case in vector_cases(test_file, "toy")] == ["loss-0", "norm-1", "loss-2"]


def test_a_kind_without_vector_is_skipped_with_its_reason(test_file):
    (only,) = vector_cases(test_file, "toy", "angle")
    (mark,) = only.marks
    assert mark.name == "skip"
    assert "no case of kind `angle`" in mark.kwargs["reason"]


@pytest.mark.parametrize("key", ["kind", "term", "loss", "name"])
def test_the_kind_of_a_vector_is_the_first_word_that_names_it(test_file, tmp_path, key):
    case = {key: "nt_xent", "params": {}} | ({"loss": 0.5} if key != "loss" else {})
    (tmp_path / "vectors" / "toy.json").write_text(json.dumps({"cases": [case]}))
    assert [case.id for case in vector_cases(test_file, "toy", "nt_xent")] == ["nt_xent-0"]


def test_another_folder_of_vectors_takes_their_place(test_file, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "toy.json").write_text(json.dumps({"cases": CASES[:1], "tolerance": 1}))
    monkeypatch.setenv("CONTRAST_VECTORS", str(tmp_path / "other"))
    assert len(vector_cases(test_file, "toy")) == 1
    assert load_vectors(test_file, "toy")["tolerance"] == 1


def test_a_missing_vector_file_is_answered_by_the_nearest(test_file, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no vectors .*did you mean `toy`"):
        vector_cases(test_file, "toys")
    monkeypatch.setenv("CONTRAST_VECTORS", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="CONTRAST_VECTORS names that folder"):
        vector_cases(test_file, "toy")


def test_a_section_of_a_vector_file_is_a_kind(test_file, tmp_path):
    content = {"source": "a paper", "pair": {"x": 1}, "full": [{"x": 2}, {"x": 3}]}
    (tmp_path / "vectors" / "toy.json").write_text(json.dumps(content))
    assert [case.id for case in vector_cases(test_file, "toy")] == ["pair-0", "full-1", "full-2"]
    assert [case.values[0]["x"] for case in vector_cases(test_file, "toy", "full")] == [2, 3]


@pytest.mark.parametrize("content", ["[]", "{}", '{"cases": []}', '{"source": "a paper"}'])
def test_a_vector_file_without_cases_is_refused(test_file, tmp_path, content):
    (tmp_path / "vectors" / "toy.json").write_text(content)
    with pytest.raises(DataError, match="must hold a list `cases`"):
        vector_cases(test_file, "toy")


def test_fields_of_a_vector_become_tensors():
    case = {"inputs": {"z": [[1.5, 2]]}, "ids": [1, 2]}
    z, ids = tensors(case, "inputs.z", "ids")
    assert z.dtype == ids.dtype == torch.float64
    assert z.tolist() == [[1.5, 2.0]]
    (z,) = tensors(case, "inputs.z", dtype=torch.float32, requires_grad=True)
    assert z.requires_grad
    (ids,) = tensors(case, "ids", dtype=torch.long)
    assert ids.tolist() == [1, 2]
    with pytest.raises(KeyError, match="w"):
        tensors(case, "inputs.w")


@pytest.mark.parametrize(
    ("actual", "expected", "tolerance"),
    [
        (1.0 + 1e-10, 1.0, 1e-9),
        (torch.tensor([100.5]), [100.0], (0.0, 0.01)),
        ([float("inf"), 2], [float("inf"), 2.0], 0.0),
        (torch.zeros(0), [], 1e-9),
        (torch.ones(2, requires_grad=True), [1, 1], 0.0),
    ],
)
def test_what_is_within_the_tolerance_passes(actual, expected, tolerance):
    assert_close(actual, expected, tolerance)


@pytest.mark.parametrize(
    ("actual", "expected", "tolerance"),
    [
        (1.1, 1.0, 1e-2),
        (float("nan"), 1.0, 1e3),
        (float("nan"), float("nan"), 1e3),
        (1.0, float("nan"), 1e3),
        (float("inf"), 1.0, 1e3),
        (1.0, float("inf"), 0.1),
        ([1.0], 1.0, 1.0),
        (1e-12, 0.0, (0.0, 1.0)),
    ],
)
def test_what_is_out_fails_with_its_field(actual, expected, tolerance):
    with pytest.raises(AssertionError, match="`grad_z`"):
        assert_close(actual, expected, tolerance, "grad_z")


def test_a_failure_names_the_worst_entry():
    with pytest.raises(AssertionError, match=r"at \(1, 0\), expected 3: .*1 of 4 entries"):
        assert_close([[1.0, 2.0], [3.5, 4.0]], [[1.0, 2.0], [3.0, 4.0]], 1e-3)
