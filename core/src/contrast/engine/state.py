"""State as files: a tree of tensors and plain values as safetensors beside JSON, and back.

Nothing is pickled. A tensor that occurs twice (tied weights) is stored once.
"""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

_TENSOR, _ITEMS, _TUPLE = "__tensor__", "__items__", "__tuple__"


def save_tree(tree: Any, stem: Path) -> list[Path]:
    """Write `<stem>.safetensors` and `<stem>.json`; gives the two paths.

    The tree is made of dictionaries, lists, tuples, tensors, numbers, texts, booleans and None.
    Raises: TypeError: it holds anything else;  OSError: the files cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    seen: dict[tuple, str] = {}
    plain = _outline(tree, "", tensors, seen)
    weights, outline = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
    try:
        save_file(tensors, weights)
    except SafetensorError as cause:
        raise _os_error(cause, weights) from None
    outline.write_text(json.dumps(plain, indent=1, allow_nan=True) + "\n")
    return [weights, outline]


def load_tree(stem: Path) -> Any:
    """The tree that `save_tree` wrote, on the CPU."""
    tensors = load_file(stem.with_suffix(".safetensors"))
    return _fill(json.loads(stem.with_suffix(".json").read_text()), tensors)


def _outline(tree: Any, path: str, tensors: dict[str, Tensor], seen: dict[tuple, str]) -> Any:
    if isinstance(tree, Tensor):
        return {_TENSOR: _store(tree, path, tensors, seen)}
    if isinstance(tree, dict):
        held = {k: _outline(v, f"{path}.{k}".lstrip("."), tensors, seen) for k, v in tree.items()}
        plain_keys = all(isinstance(key, str) and not key.startswith("__") for key in held)
        return held if plain_keys else {_ITEMS: [[k, v] for k, v in held.items()]}
    if isinstance(tree, (list, tuple)):
        held = [_outline(v, f"{path}.{i}".lstrip("."), tensors, seen) for i, v in enumerate(tree)]
        return held if isinstance(tree, list) else {_TUPLE: held}
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(f"state `{path}` is a {type(tree).__name__}: keep tensors and plain values")


def _store(tensor: Tensor, path: str, tensors: dict[str, Tensor], seen: dict[tuple, str]) -> str:
    key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
    if tensor.numel() and key in seen:
        return seen[key]
    name = path or "tensor"
    while name in tensors:  # keys `a.b` and `a` with `b` in it, or 3 and "3"
        name += "'"
    seen[key] = name
    tensors[name] = torch.empty_like(
        tensor, device="cpu", memory_format=torch.contiguous_format
    ).copy_(tensor.detach())
    return name


def _os_error(cause: SafetensorError, path: Path) -> OSError:
    """What the system refused, which safetensors tells in words only: `... (os error 28)`."""
    told = re.search(r"os error (\d+)", str(cause))
    number = int(told[1]) if told else errno.EIO
    return OSError(number, os.strerror(number), str(path))


def _fill(plain: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(plain, list):
        return [_fill(item, tensors) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if _TENSOR in plain:
        return tensors[plain[_TENSOR]]
    if _ITEMS in plain:
        return {key: _fill(value, tensors) for key, value in plain[_ITEMS]}
    if _TUPLE in plain:
        return tuple(_fill(item, tensors) for item in plain[_TUPLE])
    return {key: _fill(value, tensors) for key, value in plain.items()}
