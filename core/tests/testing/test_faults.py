from __future__ import annotations

import sys

import pytest

from contrast.testing import faults
from contrast.testing.faults import run_and_kill

WRITER = """
import pathlib, sys, time
run = pathlib.Path(sys.argv[1], "run"); run.mkdir()
for line in range(int(sys.argv[2])):
    with (run / "metrics.jsonl").open("a") as file: file.write("{}\\n")
    time.sleep(0.01)
sys.exit("out of lines")
"""


@pytest.fixture
def writer(monkeypatch):
    """A command that writes lines of metrics in the place of `contrast`."""
    monkeypatch.setattr(faults, "COMMAND", (sys.executable, "-c", WRITER))


def test_a_run_is_killed_once_it_has_written_enough(writer, tmp_path):
    run = run_and_kill([str(tmp_path), "1000"], tmp_path, 3)
    assert run == tmp_path / "run"
    assert 3 <= len((run / "metrics.jsonl").read_text().splitlines()) < 1000


def test_a_resumed_run_is_watched_by_its_own_folder(writer, tmp_path):
    assert run_and_kill([str(tmp_path), "1000"], tmp_path / "run", 2) == tmp_path / "run"


def test_a_run_that_ends_before_is_told_with_its_words(writer, tmp_path):
    with pytest.raises(RuntimeError, match=r"did not reach 5 lines[^$]*out of lines"):
        run_and_kill([str(tmp_path), "2"], tmp_path, 5)


def test_a_run_that_takes_too_long_is_killed_and_told(writer, tmp_path):
    with pytest.raises(RuntimeError, match="exit code -9"):
        run_and_kill([str(tmp_path), "1000"], tmp_path, 900, timeout_s=0.3)
