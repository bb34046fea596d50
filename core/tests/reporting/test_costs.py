import pytest

from contrast.reporting.costs import costs, headline_costs, peaks, time_parts
from contrast.reporting.records import Record

LINE = {"stage": "train", "step": 9, "seconds": 10.0, "peak_memory": {"cpu": 2**30}}


def test_time_is_parted_in_the_order_of_a_step_and_nothing_is_lost():
    lines = [
        LINE | {"split": {"backward": 3.0, "data": 1.0, "evaluation": 2.0}},
        LINE | {"split": {"data": 1.0, "collect": 0.5}},
    ]
    found = time_parts(lines, {"seconds": 4.0})
    assert found == pytest.approx(
        {"data": 2, "backward": 3, "validation": 2, "evaluation": 4, "collect": 0.5, "other": 12.5}
    )
    assert list(found)[:3] == ["data", "backward", "validation"]


def test_the_peak_is_the_highest_of_any_line_by_device():
    lines = [{"peak_memory": {"cpu": 5, "cuda:0": 2}}, {"peak_memory": {"cpu": 3, "cuda:0": 7}}, {}]
    assert peaks(lines) == {"cpu": 5, "cuda:0": 7}


def test_a_gpu_has_a_column_of_its_own_and_a_word_on_its_times(tmp_path):
    line = LINE | {"peak_memory": {"cpu": 2**30, "cuda:0": 2**20}, "split": {"data": 1.0}}
    run = {"processes": 2, "evaluated": {"train": {"seconds": 1.0, "peak_memory": {"cpu": 2**31}}}}
    found = costs(Record(tmp_path, run=run, times=[line]))
    (table,) = found.tables
    assert table.columns[-2:] == ("peak memory, cpu", "peak memory, cuda:0")
    assert table.rows == (("train", 10, "10 s", "1 s", "1 s", "2.00 GiB", "1 MiB"),)
    assert "wait for the GPU" in table.caption
    assert found.text == ("Of the first of 2 processes.",)


def test_runs_of_before_have_times_without_memory(tmp_path):
    old = {"stage": "train", "step": 0, "seconds": 1.0, "split": {"data": 0.5}}
    assert costs(Record(tmp_path, times=[old])).tables[0].rows == (
        ("train", 1, "1 s", "1 s", None),
    )
    assert headline_costs(Record(tmp_path)) == []
