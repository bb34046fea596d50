"""Forms: what an encoder hands to an objective, as typed tensors that know their sample axes.

Importing this module does not import torch, so that the fit of an encoder to an objective is
decided by types alone, before any work. Each tensor field declares the axis that runs over
samples; gathering over ranks, caching and float32 conversion read those axes and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from contrast.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


def over(axis: int | None, **options: Any) -> Any:
    """A dataclass field that holds a tensor whose samples run along `axis` (None: no samples)."""
    return field(metadata={"axis": axis}, **options)


@dataclass(frozen=True)
class Same:
    """The relation `i ~ j` iff `rows[i] == columns[j]`: structure, never an N x M tensor.

    Shapes:  rows: (N,) integer;  columns: (M,) integer.
    """

    rows: Tensor
    columns: Tensor

    def tile(self, rows: slice, columns: slice) -> Same:
        """The relation between some of the anchors and some of the candidates."""
        return Same(self.rows[rows], self.columns[columns])

    def mask(self) -> Tensor:
        """The relation written out, (N, M) bool: for the plain formulas and for tests."""
        return self.rows[:, None] == self.columns[None, :]


@dataclass(frozen=True)
class Differ:
    """The relation `i ~ j` iff `rows[i] != columns[j]`: the complement of `Same`.

    Shapes:  rows: (N,) integer;  columns: (M,) integer.
    """

    rows: Tensor
    columns: Tensor

    def tile(self, rows: slice, columns: slice) -> Differ:
        """The relation between some of the anchors and some of the candidates."""
        return Differ(self.rows[rows], self.columns[columns])

    def mask(self) -> Tensor:
        """The relation written out, (N, M) bool: for the plain formulas and for tests."""
        return self.rows[:, None] != self.columns[None, :]


@dataclass(frozen=True)
class Apart:
    """In how many of C groupings do `i` and `j` fall into different groups: a weight in 0..C.

    Shapes:  rows: (C, N) integer;  columns: (C, M) integer.
    """

    rows: Tensor
    columns: Tensor

    def tile(self, rows: slice, columns: slice) -> Apart:
        """The weights between some of the anchors and some of the candidates."""
        return Apart(self.rows[:, rows], self.columns[:, columns])

    def count(self) -> Tensor:
        """The weights written out, (N, M) integer: for the plain formulas and for tests."""
        return (self.rows[:, :, None] != self.columns[:, None, :]).sum(0)


@dataclass(frozen=True)
class Form:
    """The base of all forms; `lowers_to` names the one form that this one can be reduced to."""

    lowers_to: ClassVar[type[Form] | None] = None

    def tensors(self) -> Iterator[tuple[str, Tensor, int | None]]:
        """Every tensor field that is set: its name, its value and its sample axis."""
        for item in fields(self):
            value = getattr(self, item.name)
            if "axis" in item.metadata and value is not None:
                yield item.name, value, item.metadata["axis"]

    def __len__(self) -> int:
        """The number of samples, read off the first field that has a sample axis."""
        return next(value.shape[axis] for _, value, axis in self.tensors() if axis is not None)

    def lower(self) -> Form:
        """This form as the one it lowers to."""
        raise TypeError(f"{type(self).__name__} lowers to no other form")


@dataclass(frozen=True)
class Pairs(Form):
    """Anchors against candidates: retrieval, image and text, two views one way.

    Shapes:  anchors: (N, D);  candidates: (M, D);  positives, excluded: relations N x M or None;
    without `positives`, candidate i is the positive of anchor i.
    """

    anchors: Tensor = over(0)
    candidates: Tensor = over(0)
    positives: Same | None = None
    excluded: Same | None = None


@dataclass(frozen=True)
class Views(Form):
    """V embeddings of each of N samples: two augmentations, two towers, two views of a graph.

    Shapes:  z: (V, N, D) float, any scale;  ids: (N,) integer sample ids;
    labels: (N,) integer classes;  targets: (N,) or (N, K) float.
    """

    lowers_to: ClassVar[type[Form] | None] = Pairs

    z: Tensor = over(1)
    ids: Tensor | None = over(0, default=None)
    labels: Tensor | None = over(0, default=None)
    targets: Tensor | None = over(0, default=None)

    def lower(self) -> Pairs:
        """View 0 as anchors against view 1 as candidates: one way, sample i with sample i."""
        if len(self.z) < 2:
            raise ValueError(f"Pairs need two views, got z of shape {tuple(self.z.shape)}")
        return Pairs(anchors=self.z[0], candidates=self.z[1])


@dataclass(frozen=True)
class Lists(Form):
    """N lists of K scored alternatives: preferences, rankings, choices, transitions.

    Shapes:  scores: (N, K) float;  targets: (N, K) grades, ranks or 0/1 labels;
    mask: (N, K) bool, True where an alternative exists;  reference: (N, K) scores of a frozen
    model;  lengths: (N, K) integer;  ids: (N,) integer.
    """

    scores: Tensor = over(0)
    targets: Tensor | None = over(0, default=None)
    mask: Tensor | None = over(0, default=None)
    reference: Tensor | None = over(0, default=None)
    lengths: Tensor | None = over(0, default=None)
    ids: Tensor | None = over(0, default=None)


@dataclass(frozen=True)
class Tokens(Form):
    """Log-probabilities of R token sequences over T steps: a list with time.

    Shapes:  policy, reference, sampling: (R, T) float log-probabilities;  mask: (R, T) bool;
    group: (R,) integer, the prompt that a row answers;  targets: (R,) rewards.
    """

    lowers_to: ClassVar[type[Form] | None] = Lists

    policy: Tensor = over(0)
    mask: Tensor = over(0)
    group: Tensor = over(0)
    reference: Tensor | None = over(0, default=None)
    sampling: Tensor | None = over(0, default=None)
    targets: Tensor | None = over(0, default=None)

    def lower(self) -> Lists:
        """Summed log-probabilities, one row a group, padded to the longest group.

        Each group must be contiguous; the mask of the list says which alternatives exist.
        """
        import torch
        from torch.nn.utils.rnn import pad_sequence

        _, sizes = torch.unique_consecutive(self.group, return_counts=True)
        cut = sizes.tolist()

        def rows(values: Tensor | None) -> Tensor | None:
            return None if values is None else pad_sequence(values.split(cut), batch_first=True)

        def total(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.masked_fill(~self.mask, 0).sum(1)

        return Lists(
            scores=rows(total(self.policy)),
            targets=rows(self.targets),
            mask=rows(torch.ones_like(self.group, dtype=torch.bool)),
            reference=rows(total(self.reference)),
            lengths=rows(self.mask.sum(1)),
        )


def fits(given: type[Form], wanted: type[Form]) -> bool:
    """Whether an objective that reads `wanted` can be fed a `given` form, lowered at most once."""
    lowered = given.lowers_to
    return issubclass(given, wanted) or (lowered is not None and issubclass(lowered, wanted))


def lowered(form: Form, wanted: type[Form]) -> Form:
    """The form as `wanted`: itself if it is one already, else lowered one step.

    Raises: ConfigError: no such step leads there.
    """
    if isinstance(form, wanted):
        return form
    if fits(type(form), wanted):
        return form.lower()
    raise ConfigError(
        f"the objective reads {wanted.__name__}, the encoder gives {type(form).__name__}"
    )
