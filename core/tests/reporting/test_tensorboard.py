"""TensorBoard as an observer: what is in its files, read back by TensorBoard itself."""

import json
import sys
from importlib.util import find_spec

import pytest

from contrast.cli.progress import installed_observer
from contrast.engine.observers import Observer
from contrast.errors import PluginError
from contrast.reporting.tensorboard import TensorBoard


@pytest.fixture
def read():
    """Every scalar that TensorBoard reads from a folder: {name: {step: value}}."""
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="TensorBoard is an optional extra, and is not installed",
    )

    def scalars(folder):
        found = module.EventAccumulator(str(folder)).Reload()
        names = found.Tags()["scalars"]
        return {name: {e.step: e.value for e in found.Scalars(name)} for name in names}

    return scalars


def test_what_a_run_says_is_read_back(read, tmp_path):
    watch = TensorBoard()
    watch.on_run(str(tmp_path))
    watch.on_start("train", 2)
    watch.on_step("train", 0, {"loss": 2.0, "loss/contrast": 1.5})
    watch.on_evaluation("train", 0, {"f1": 40.0, "auc": None})
    watch.on_step("train", 1, {"loss": 1.0, "loss/contrast": 0.5})
    watch.on_end("train")
    watch.on_evaluation("train", None, {"f1": 50.0})
    assert read(tmp_path / "tensorboard/train") == {
        "loss": {0: 2.0, 1: 1.0},
        "loss/contrast": {0: 1.5, 1: 0.5},
        "validation/f1": {0: 40.0},
        "evaluation/f1": {1: 50.0},
    }


def test_a_resumed_run_takes_back_the_steps_that_it_does_again(read, tmp_path):
    for values in ({0: 9.0, 1: 8.0, 2: 7.0}, {1: 8.5, 2: 7.5}):
        watch = TensorBoard()
        watch.on_run(str(tmp_path))
        for step, value in values.items():
            watch.on_step("train", step, {"loss": value})
        watch.on_end("train")
    assert read(tmp_path / "tensorboard/train") == {"loss": {0: 9.0, 1: 8.5, 2: 7.5}}


def test_a_run_resumed_for_its_evaluation_keeps_its_curves(read, tmp_path):
    first, second = TensorBoard(), TensorBoard()
    first.on_run(str(tmp_path))
    for step in range(3):
        first.on_step("train", step, {"loss": 9.0 - step})
    first.on_end("train")
    lines = (json.dumps({"stage": "train", "step": step}) for step in range(3))
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    second.on_run(str(tmp_path))
    second.on_evaluation("train", None, {"f1": 50.0})
    assert read(tmp_path / "tensorboard/train") == {
        "loss": {0: 9.0, 1: 8.0, 2: 7.0},
        "evaluation/f1": {2: 50.0},
    }


def test_stages_and_the_runs_of_a_sweep_are_kept_apart(read, tmp_path):
    watch = TensorBoard()
    for run in ("a", "b"):
        watch.on_run(str(tmp_path / run))
        for stage, value in (("pretrain", 1.0), ("probe", 2.0)):
            watch.on_step(stage, 0, {"loss": value})
            watch.on_end(stage)
    for run in ("a", "b"):
        assert read(tmp_path / run / "tensorboard/pretrain") == {"loss": {0: 1.0}}
        assert read(tmp_path / run / "tensorboard/probe") == {"loss": {0: 2.0}}


def test_it_is_installed_with_the_core():
    pytest.importorskip("tensorboard", reason="TensorBoard is an optional extra")
    assert isinstance(installed_observer("tensorboard"), Observer)


def test_without_the_package_it_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(
        sys.modules[TensorBoard.__module__],
        "find_spec",
        lambda name: None if name == "tensorboard" else find_spec(name),
    )
    with pytest.raises(PluginError, match=r"pip install 'contrast-core\[tensorboard\]'"):
        TensorBoard()
