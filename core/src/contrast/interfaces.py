"""The parts of a method: sampler, encoder, objective, and what they see of a run.

    data ─► Sampler.draw ─► batch ─► Encoder ─► form ─► Sampler.relate ─► Objective ─► loss

Nothing here imports torch when it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    from contrast.forms import Form

F_contra = TypeVar("F_contra", contravariant=True, bound="Form")


@dataclass(frozen=True)
class Moment:
    """The moment of a run: all that a sampler may know, and where its randomness comes from.

    Every generator is seeded from (seed, stage, step, purpose) and, if `local`, the rank: there is
    no random state to save, and what happens between two steps cannot change the second one.
    """

    stage: str
    step: int
    seed: int
    encoder: Encoder | None = None
    rank: int = 0
    world_size: int = 1

    def shared(self, purpose: str) -> Generator:
        """A CPU generator that draws the same on every rank."""
        from contrast.engine.randomness import generator

        return generator(self.seed, self.stage, self.step, purpose)

    def local(self, purpose: str) -> Generator:
        """A CPU generator that draws differently on each rank."""
        from contrast.engine.randomness import generator

        return generator(self.seed, self.stage, self.step, purpose, self.rank)


class Sampler:
    """Decides who is compared with whom.

    `steps_per_epoch` is what one epoch means; `ids(batch)` names the samples of a batch in errors
    and in exported embeddings. `shared` says that every rank draws the same batch, such as the
    whole graph: its form is then not gathered over ranks, which would repeat the samples.
    """

    steps_per_epoch: int = 1
    shared: bool = False

    def draw(self, at: Moment) -> Any:
        """The batch of step `at.step`: by number, so that resuming needs only the state."""
        raise NotImplementedError

    def relate(self, form: Form, at: Moment) -> Form:
        """The form with relations found on this very forward, detached: clusters, queue, mining."""
        return form

    def sweep(self, split: str) -> Iterator[Any]:
        """Batches over all samples of a split, each sample once, in a fixed order."""
        raise NotImplementedError

    def ids(self, batch: Any) -> list[int | str]:
        """The ids of the samples in a batch, in the order of the embeddings."""
        raise NotImplementedError

    def split(self, batch: Any, size: int) -> list[Any]:
        """The batch in parts of at most `size` samples, for `trainer.micro_batch`.

        Samples run along the first axis of every tensor, or along the one that the batch's
        dataclass declares with `contrast.forms.over`; a batch of another kind needs its own way.
        Raises: ConfigError: the batch cannot be cut so.
        """
        from contrast.primitives.split import split_batch

        return split_batch(batch, size, len(self.ids(batch)))

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs: tensors, numbers, texts, and lists and dictionaries of them."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""


class Encoder(Protocol):
    """Turns a batch into something comparable; a `torch.nn.Module`.

    One whose row i depends on other rows of the batch (a graph, attention over the batch) sets
    `mixes_rows = True`, so that it is not asked for micro-batches.
    """

    def __call__(self, batch: Any) -> Form:
        """The form that the objective reads."""

    def embed(self, batch: Any) -> dict[str, Tensor]:
        """What users get, by name, one row a sample; the first entry is the main embedding."""


class Objective(Protocol[F_contra]):
    """Says what the comparison should come out as; a `torch.nn.Module` or a plain function."""

    def __call__(self, form: F_contra) -> Tensor | Mapping[str, Tensor]:
        """A scalar loss, or named scalar terms whose sum is the loss."""


@dataclass
class Parts:
    """The trained or trainable parts of one stage. All learnt state lives in the two modules.

    `sizes` are the plain values that encoder and objective were built from, beside their settings.
    """

    data: Any
    sampler: Any
    encoder: nn.Module
    objective: Any
    sizes: dict[str, Any] = field(default_factory=dict)

    def modules(self) -> dict[str, nn.Module]:
        """The parts that hold parameters or buffers, by name, as they stand in a checkpoint."""
        from torch import nn

        named = {"encoder": self.encoder, "objective": self.objective}
        return {name: part for name, part in named.items() if isinstance(part, nn.Module)}


class Work(Protocol):
    """What a stage's step sees of the engine; `trainer` holds the stage's own settings."""

    parts: Parts
    at: Moment
    trainer: Any

    def encode(self, batch: Any) -> Form:
        """The encoder's form of the batch, related by the sampler."""

    def contrast(self, form: Form) -> Tensor:
        """The swappable objective on the form of all ranks' samples (see `Sampler.shared`),
        lowered to what the objective reads; its terms are logged."""

    def descend(
        self, loss: Tensor | Mapping[str, Tensor], *groups: str, retain_graph: bool = False
    ) -> None:
        """One optimiser step of the named parameter groups (all when none is named).

        A mapping holds named terms, which are summed and logged apart.
        """

    def log(self, **values: float | Tensor) -> None:
        """Record numbers of this step beside the loss."""

    def timed(self, name: str) -> AbstractContextManager[None]:
        """Count a block's time under a name of its own in the report's section on cost."""


@dataclass(frozen=True)
class Table:
    """A table of a report: `columns` head the values of each row; None is shown as a dash."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    caption: str = ""


@dataclass(frozen=True)
class Map:
    """An embedding to be drawn in two dimensions.

    Shapes:  z: (N, D) array;  labels: N values or None;  ids: N ids or None.
    """

    title: str
    z: Any
    labels: Any = None
    ids: Any = None


@dataclass(frozen=True)
class Drawing:
    """A picture of a report: an `<svg>` element as `contrast.reporting.figures` makes them.

    It stands in the page as it is: whoever makes it escapes the texts of users in it.
    """

    title: str
    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Reference:
    """A figure that others measured for one of the metrics, to stand beside what a run found.

    `source` says who measured it and how: "official code, seed 0, 90 epochs". `spread` is its
    deviation where one is given. Both are in the unit of the metric.
    """

    metric: str
    value: float
    source: str
    spread: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a stage found out about its parts: numbers for programs, tables and maps for people.

    `metrics` are flat and named `what/where`, such as `macro_f1/20`; a value that is not defined
    (one class only) is None and never NaN. `notes` are sentences: what was skipped and why.
    `references` are others' figures for these metrics on this very data, without which no number
    of a report says much. `drawings` are pictures of the domain: paths, scenes, maps of a reward.
    """

    metrics: dict[str, float | None] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    maps: tuple[Map, ...] = ()
    notes: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    drawings: tuple[Drawing, ...] = ()
