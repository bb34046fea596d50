"""`kill -9` at any moment, then `resume`: the run that was never killed, byte for byte."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from contrast import api
from contrast.testing.faults import run_and_kill

EPOCHS = 30
POINTS = random.Random(0).sample(range(1, 2 * 3 * EPOCHS - 2), 20)  # two stages, 3 steps an epoch


@pytest.fixture(scope="module")
def arguments():
    return ["run", "plugin=toys", f"trainer.max_epochs={EPOCHS}", "trainer.checkpoint_every=4"]


@pytest.fixture(scope="module")
def uninterrupted(arguments, recorded, toys_site, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(toys_site))
        runs = tmp_path_factory.mktemp("whole")
        return recorded(api.run("toys", overrides=arguments[2:], runs=runs).folder)


@pytest.fixture
def killed_at(arguments, toys, tmp_path):
    """A run that was killed after so many lines of metrics."""

    def kill(lines):
        words = [*arguments, "--runs", str(tmp_path)]
        return run_and_kill(words, tmp_path, lines, environment={"PYTHONPATH": str(toys)})

    return kill


@pytest.mark.parametrize("lines", POINTS[:3])
def test_a_killed_run_resumes_to_the_same_bytes(killed_at, recorded, uninterrupted, lines):
    assert recorded(api.resume(killed_at(lines)).folder) == uninterrupted


@pytest.mark.slow
@pytest.mark.parametrize("lines", POINTS)
def test_a_run_killed_anywhere_resumes_to_the_same_bytes(killed_at, recorded, uninterrupted, lines):
    assert recorded(api.resume(killed_at(lines)).folder) == uninterrupted


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_after_the_step_with_the_line_that_goes_on(
    arguments, recorded, uninterrupted, toys, tmp_path, number, code
):
    process = subprocess.Popen(
        [sys.executable, "-m", "contrast", *arguments, "--runs", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(toys)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not list(tmp_path.glob("*/metrics.jsonl")):
        time.sleep(0.01)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    (folder,) = tmp_path.iterdir()
    assert process.returncode == code, words
    assert f"contrast resume {folder}" in words
    assert recorded(api.resume(folder).folder) == uninterrupted
