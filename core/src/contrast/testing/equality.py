"""Whether two batches or states are the same, entry by entry, whatever they are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch


def equal(a: Any, b: Any) -> bool:
    """Whether `a` and `b` have one type and the same content; NaN equals NaN.

    Looks into tensors, arrays, dataclasses, mappings, sequences and objects with `to_dict` (graphs
    of PyG); anything else is compared by `==`, or by its attributes if it defines no `==`.
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return _tensors(a, b)
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if is_dataclass(a):
        return all(equal(getattr(a, item.name), getattr(b, item.name)) for item in fields(a))
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if hasattr(a, "to_dict"):
        return equal(a.to_dict(), b.to_dict())
    if type(a).__eq__ is object.__eq__ and hasattr(a, "__dict__"):
        return equal(vars(a), vars(b))
    return bool(a == b) or (a != a and b != b)


def _tensors(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.layout != torch.strided and a.layout == b.layout:
        a, b = a.to_dense(), b.to_dense()
    same = a.dtype == b.dtype and a.shape == b.shape and a.device == b.device
    return same and bool(((a == b) | ((a != a) & (b != b))).all())
