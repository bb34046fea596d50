"""The numbers of each step: read off the device a few steps late, checked, and written down."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from contrast.engine.distribution import World
from contrast.engine.folder import RunFolder
from contrast.engine.observers import Observer
from contrast.errors import TrainingError

Ids = list[int | str]
HELD_STEPS = 50  # steps whose numbers may wait on the device
NAMED_IDS = 10  # ids that an error names


class Recorder:
    """Holds the numbers of the last steps, so that no step waits for the device."""

    def __init__(self, stage: str, folder: RunFolder, world: World, observer: Observer) -> None:
        self.stage, self.folder = stage, folder
        self.world, self.observer = world, observer
        self.epoch_losses: list[float] = []
        self._held: list[tuple[dict[str, int], Ids, dict[str, Tensor | float], float]] = []

    def hold(
        self, where: dict[str, int], ids: Ids, values: dict[str, Tensor | float], share: float
    ) -> None:
        """Keep a step's numbers; `where` names its step and epoch."""
        self._held.append((where, ids, values, share))
        if len(self._held) >= HELD_STEPS:
            self.flush()

    def flush(self) -> None:
        """Read, check and write all held numbers.

        Raises: TrainingError: a loss is NaN or infinite.
        """
        numbers = iter(self._read())
        held, self._held = self._held, []
        for where, ids, values, _ in held:
            plain = {
                name: next(numbers) if isinstance(value, Tensor) else value
                for name, value in values.items()
            }
            if not all(math.isfinite(v) for name, v in plain.items() if name.startswith("loss")):
                raise self._not_finite(where["step"], ids, plain)
            self.folder.write_metrics({"stage": self.stage, **where, **plain})
            self.observer.on_step(self.stage, where["step"], plain)
            self.epoch_losses.append(plain.get("loss", 0.0))

    def end_epoch(self) -> float:
        """The mean loss of the epoch's steps, and a fresh start."""
        self.flush()
        mean = sum(self.epoch_losses) / max(len(self.epoch_losses), 1)
        self.epoch_losses = []
        return mean

    def _read(self) -> list[float]:
        """All held tensors in one transfer, each the mean over processes by their shares."""
        weighted = [
            value.detach().double() * share
            for _, _, values, share in self._held
            for value in values.values()
            if isinstance(value, Tensor)
        ]
        return self.world.sum(torch.stack(weighted)).tolist() if weighted else []

    def _not_finite(self, step: int, ids: Ids, values: dict[str, float]) -> TrainingError:
        named = ", ".join(map(str, ids[:NAMED_IDS]))
        more = f" and {len(ids) - NAMED_IDS} more" if len(ids) > NAMED_IDS else ""
        shown = ", ".join(f"{name} = {value:g}" for name, value in values.items())
        last = self.folder.latest_checkpoint()
        return TrainingError(
            f"the loss is not finite at step {step} of stage `{self.stage}`: {shown}\n"
            f"Samples of that step: {named}{more}\n"
            f"Last good checkpoint: {last or 'none yet'}; a smaller `trainer.lr` or "
            "`trainer.clip_norm=1` may help"
        )
