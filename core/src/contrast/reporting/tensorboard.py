"""An observer that writes what it hears as TensorBoard events, into the run's own folder.

    contrast run plugin=meow --observer tensorboard
    tensorboard --logdir runs

Every stage is a run of TensorBoard's, `RUN/tensorboard/STAGE`. It needs the extra `tensorboard`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from contrast.engine.observers import Observer
from contrast.errors import PluginError
from contrast.reporting.records import read_metrics

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class TensorBoard(Observer):
    """Writes the numbers of the steps, and what evaluations find, as scalars.

    Raises: PluginError: the package tensorboard is not installed.
    """

    def __init__(self) -> None:
        if find_spec("tensorboard") is None:
            raise PluginError(
                "the observer `tensorboard` needs the package tensorboard, which is not installed\n"
                "Install it: pip install 'contrast-core[tensorboard]'"
            )
        self.folder = Path()
        self.writers: dict[str, SummaryWriter] = {}
        self.reached: dict[str, int] = {}

    def on_run(self, folder: str) -> None:
        """Write into this folder from now on."""
        for writer in self.writers.values():
            writer.close()
        self.folder, self.writers, self.reached = Path(folder), {}, {}

    def on_step(self, stage: str, step: int, values: dict[str, float]) -> None:
        """The numbers of a step, under their names."""
        self._write(stage, step, values)
        self.reached[stage] = step

    def on_evaluation(self, stage: str, step: int | None, metrics: dict[str, float | None]) -> None:
        """What was measured: `validation/NAME` while training, `evaluation/NAME` when trained."""
        when = "evaluation" if step is None else "validation"
        known = {f"{when}/{name}": value for name, value in metrics.items() if value is not None}
        if step is None:
            self._write(stage, self._last_step(stage), known, keeps=True)
        else:
            self._write(stage, step, known)
        self.on_end(stage)

    def on_end(self, stage: str) -> None:
        """See that what was heard stands on the disk."""
        if stage in self.writers:
            self.writers[stage].flush()

    def _last_step(self, stage: str) -> int:
        """The last step of a stage, also of one that was trained before the run was resumed."""
        if stage not in self.reached:
            steps = [line["step"] for line in read_metrics(self.folder) if line["stage"] == stage]
            self.reached[stage] = max(steps, default=0)
        return self.reached[stage]

    def _write(
        self, stage: str, step: int, values: dict[str, float], *, keeps: bool = False
    ) -> None:
        """Write at a step; a new writer takes back what stands there, unless that `keeps`."""
        if stage not in self.writers:
            self.writers[stage] = _writer(self.folder / FOLDER / stage, step + keeps)
        for name, value in values.items():
            self.writers[stage].add_scalar(name, value, step)


def _writer(folder: Path, step: int) -> SummaryWriter:
    """A writer that takes back what a run that was stopped wrote from `step` on."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step)
