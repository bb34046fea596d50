"""The runs: reproducible to the byte, resumable, evaluated, and given back."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest

from contrast import api
from contrast.config import resolve
from contrast.engine.checkpoint import last_of_stage
from contrast.errors import ConfigError
from contrast.testing.equality import equal

STEPS = 6
SHORT = (f"trainer.max_steps={STEPS}", "trainer.device=cpu")
PICKLES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))


class RunChecks:
    """Tests of short runs on the data that the battery was given."""

    plugin: str

    @pytest.fixture(scope="class")
    @classmethod
    def finished(
        cls, overrides: list[str], tmp_path_factory: pytest.TempPathFactory
    ) -> api.RunResult:
        """A short run from start to end, which the tests share and do not change."""
        runs = tmp_path_factory.mktemp("runs")
        return api.run(cls.plugin, overrides=[*overrides, *SHORT], runs=runs, name="whole")

    def test_every_step_records_a_finite_loss(self, finished: api.RunResult) -> None:
        """One line of metrics a step, in order."""
        lines = [json.loads(line) for line in metrics_of(finished.folder).splitlines()]
        steps = [line for line in lines if "loss" in line]
        assert steps, "no step recorded a loss"
        assert all(math.isfinite(line["loss"]) for line in steps)
        assert finished.state == "done"

    def test_the_evaluation_gives_numbers_or_nothing(self, finished: api.RunResult) -> None:
        """A metric that is not defined is None, never NaN."""
        for name, value in finished.metrics.items():
            assert value is None or math.isfinite(value), f"metric `{name}` is {value}"

    def test_two_runs_with_one_seed_are_identical(
        self, finished: api.RunResult, overrides: list[str], tmp_path: Path
    ) -> None:
        """Metrics and weights agree byte for byte."""
        again = api.run(self.plugin, overrides=[*overrides, *SHORT], runs=tmp_path, name="again")
        assert metrics_of(again.folder) == metrics_of(finished.folder)
        assert weights_of(again.folder, self.stages(overrides)) == weights_of(
            finished.folder, self.stages(overrides)
        )
        assert again.metrics == finished.metrics

    def test_a_stopped_and_resumed_run_is_identical(
        self, finished: api.RunResult, overrides: list[str], tmp_path: Path
    ) -> None:
        """Metrics and weights agree byte for byte with those of the uninterrupted run."""
        stopped = api.run(
            self.plugin,
            overrides=[*overrides, *SHORT],
            runs=tmp_path,
            name="stopped",
            max_steps_now=STEPS // 2,
        )
        assert stopped.state == "stopped"
        assert len(metrics_of(stopped.folder)) < len(metrics_of(finished.folder))
        resumed = api.resume(stopped.folder)
        assert resumed.state == "done"
        assert metrics_of(resumed.folder) == metrics_of(finished.folder)
        assert weights_of(resumed.folder, self.stages(overrides)) == weights_of(
            finished.folder, self.stages(overrides)
        )
        assert resumed.metrics == finished.metrics

    def test_a_run_folder_holds_no_pickle(self, finished: api.RunResult) -> None:
        """Opening a run never runs code."""
        for path in (path for path in finished.folder.rglob("*") if path.is_file()):
            assert not is_pickled(path), f"{path.name} is or holds a pickle"

    def test_the_embeddings_of_a_run_have_one_row_a_sample(self, finished: api.RunResult) -> None:
        """What `contrast embed` writes."""
        found = api.embed(finished.folder)
        assert len(set(found.ids)) == len(found.ids) > 0
        assert found.arrays
        for name, z in found.arrays.items():
            assert z.ndim == 2, f"`{name}` has shape {z.shape}"
            assert len(z) == len(found.ids), f"`{name}` has {len(z)} rows for {len(found.ids)} ids"
            assert np.isfinite(z).all(), f"`{name}` holds NaN or infinity"

    def test_new_data_are_embedded_or_refused_with_the_reason(
        self, finished: api.RunResult, overrides: list[str], tmp_path: Path
    ) -> None:
        """A method that mixes all rows says so; any other embeds what it was trained on alike."""
        config = resolve(self.plugin, overrides).config
        if config.recipe.transductive:
            with pytest.raises(ConfigError) as caught:
                api.embed(finished.folder, tmp_path)
            assert config.recipe.transductive in str(caught.value)
        elif not getattr(config.data, "path", ""):
            with pytest.raises(ConfigError, match="path"):
                api.embed(finished.folder, tmp_path)
        else:
            known = api.embed(finished.folder)
            found = api.embed(finished.folder, config.data.path)
            assert found.ids == known.ids
            assert equal(found.arrays, known.arrays)

    def test_an_export_gives_the_trained_modules_back(
        self, finished: api.RunResult, tmp_path: Path
    ) -> None:
        """The run and its export hold the same weights."""
        trained = api.load(finished.folder)
        exported = api.load(api.export(finished.folder, tmp_path / "export"))
        states = [
            {name: module.state_dict() for name, module in parts.modules().items()}
            for parts in (trained, exported)
        ]
        assert equal(states[0]["encoder"], states[1]["encoder"])

    def stages(self, overrides: list[str]) -> list[str]:
        """The names of the recipe's stages."""
        return [stage.name for stage in resolve(self.plugin, overrides).config.recipe.stages]


def metrics_of(folder: Path) -> bytes:
    """The metrics of a run as they stand on the disk."""
    return (folder / "metrics.jsonl").read_bytes()


def weights_of(folder: Path, stages: list[str]) -> dict[str, bytes]:
    """All tensors of the last checkpoint of every stage, as they stand on the disk."""
    last = [last_of_stage(folder / "checkpoints", stage) for stage in stages]
    files = [path for checkpoint in last for path in sorted(checkpoint.glob("*.safetensors"))]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


def is_pickled(path: Path) -> bool:
    """Whether a file is a pickle, or an archive of anything but plain arrays."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()[:2].startswith(PICKLES)
    with zipfile.ZipFile(path) as archive:
        if not all(name.endswith(".npy") for name in archive.namelist()):
            return True
    with np.load(path, allow_pickle=False) as held:
        try:
            return any(held[name].dtype.hasobject for name in held.files)
        except ValueError:  # an array of objects, which numpy would unpickle
            return True
