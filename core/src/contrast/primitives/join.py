"""Forms of some of the samples joined into the form of all, field by field along sample axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from contrast.forms import Apart, Differ, Form, Pairs, Same

Relation = Same | Differ | Apart


def join(forms: Sequence[Form]) -> Form:
    """One form of all samples, in order; the inverse of cutting a form along its sample axes.

    Tensors are joined along the axis that their field declares, ids of relations along their last
    axis; a tensor without samples and a plain value are those of the first form. Ids must mean the
    same in every form: sample ids, never positions in a batch. A field that is None in one form
    is None in all.

    Other axes must agree, but where the form holds a `mask` they are padded at the end with
    zeros (False in the mask): token rows of unequal length, lists of unequal size. `Pairs` whose
    i-th candidate belongs to the i-th anchor keep it so: all such candidates come first, then
    the further ones.
    Raises: ValueError: sizes differ along another axis and there is no mask;  TypeError: a field
    holds a structure that cannot be joined.
    """
    first = forms[0]
    if len(forms) == 1:
        return first
    padded = getattr(first, "mask", None) is not None
    values = {
        name: _join([tensor_at(form, name) for form in forms], axis, name, padded)
        for name, axis in sampled(first)
    }
    joined = with_tensors(first, values)
    return _partners_first(joined, forms) if isinstance(joined, Pairs) else joined


def sampled(form: Form) -> list[tuple[str, int]]:
    """Every tensor of a form that runs over samples: its path, such as `positives.rows`, and axis.

    Raises: TypeError: a field holds tensors in a structure other than a relation.
    """
    found: list[tuple[str, int]] = []
    for item in fields(form):
        value, axis = getattr(form, item.name), item.metadata.get("axis")
        if isinstance(value, Relation):
            # Whether rows are the columns decides if half the tiles will do: it must not be lost.
            sides = ("both",) if value.rows is value.columns else ("rows", "columns")
            found += [(f"{item.name}.{side}", -1) for side in sides]
        elif isinstance(value, Tensor) and axis is not None:
            found.append((item.name, axis))
        elif is_dataclass(value):
            raise TypeError(
                f"`{type(form).__name__}.{item.name}` is a {type(value).__name__}, whose samples "
                "are unknown; declare it as tensors with `over(axis)`, or as `Same`, `Differ`, "
                "`Apart`"
            )
    return found


def tensor_at(form: Form, path: str) -> Tensor:
    """The tensor at a path of `sampled`."""
    name, _, side = path.partition(".")
    value = getattr(form, name)
    return getattr(value, "rows" if side == "both" else side) if side else value


def with_tensors(form: Form, values: dict[str, Tensor]) -> Form:
    """The form with other tensors at paths of `sampled`."""
    changes: dict[str, Any] = {}
    for path, tensor in values.items():
        name, _, side = path.partition(".")
        if side:
            sides = dict.fromkeys(("rows", "columns") if side == "both" else (side,), tensor)
            changes[name] = replace(changes.get(name, getattr(form, name)), **sides)
        else:
            changes[name] = tensor
    return replace(form, **changes)


def _join(parts: list[Tensor], axis: int, name: str, padded: bool) -> Tensor:
    others = [tuple(part.transpose(0, axis).shape[1:]) for part in parts]
    if len(set(others)) > 1:
        if not padded:
            raise ValueError(
                f"`{name}` is of {', '.join(str(tuple(part.shape)) for part in parts)} in the "
                f"parts of a form, which must agree but along axis {axis} (or the form needs a "
                "mask)"
            )
        largest = [max(sizes) for sizes in zip(*(part.shape for part in parts), strict=True)]
        parts = [_grown(part, largest, axis) for part in parts]
    return torch.cat(parts, axis)


def _grown(part: Tensor, sizes: list[int], axis: int) -> Tensor:
    """The tensor with zeros at the end of every axis but the one of samples."""
    missing = [size - own for own, size in zip(part.shape, sizes, strict=True)]
    missing[axis] = 0
    return pad(part, [n for each in reversed(missing) for n in (0, each)])


def _partners_first(joined: Pairs, forms: Sequence[Pairs]) -> Pairs:
    """The joined pairs, their columns ordered so that candidate i belongs to anchor i."""
    anchors = [len(form.anchors) for form in forms]
    candidates = [len(form.candidates) for form in forms]
    if joined.positives is not None or anchors == candidates:
        return joined
    numbers = torch.arange(len(joined.candidates), device=joined.candidates.device)
    parts = [
        part.tensor_split([n]) for n, part in zip(anchors, numbers.split(candidates), strict=True)
    ]
    order = torch.cat([own for own, _ in parts] + [further for _, further in parts])
    excluded = joined.excluded
    if excluded is not None:
        excluded = replace(excluded, columns=excluded.columns[order])
    return replace(joined, candidates=joined.candidates[order], excluded=excluded)
