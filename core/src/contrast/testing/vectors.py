"""Reference vectors: numbers from a paper's own code or an independent derivation, as JSON.

    @pytest.mark.parametrize("case", vector_cases(__file__, "meow", "prototype_loss"))
    def test_prototype_loss_equals_its_vector(case):
        (z,) = tensors(case, "z", requires_grad=True)
        assert_close(loss(z), case["loss"], 1e-9, "loss")

A file is `{"cases": [{"kind": ..., ...}, ...]}`, or without `cases` one section a kind, which is a
case or a list of cases. How many it holds, of which kinds and shapes, is the file's business: a
test is parametrised over whatever is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from contrast.errors import DataError, did_you_mean

VECTORS_VARIABLE = "CONTRAST_VECTORS"
KIND_KEYS = ("kind", "term", "loss", "name")


def vector_cases(test_file: str, name: str, kind: str | None = None) -> list[Any]:
    """The cases of a kind (all when None) as parameters of a test, with ids `kind-index`.

    Read from `vectors/<name>.json` beside the test file, or from the folder that the variable
    `CONTRAST_VECTORS` names. Where the file has no such case the one parameter is a skip.

    Raises: DataError: there is no such file, or it holds no cases.
    """
    cases = _cases(load_vectors(test_file, name))
    found = [(word, case) for word, case in cases if kind in (None, word)]
    if not found:
        skip = pytest.mark.skip(reason=f"{name}.json holds no case of kind `{kind}`")
        return [pytest.param(None, marks=skip, id=f"{kind}-none")]
    return [pytest.param(case, id=f"{word}-{index}") for index, (word, case) in enumerate(found)]


def load_vectors(test_file: str, name: str) -> dict[str, Any]:
    """The whole file of vectors, with its notes and its `tolerance` where it states one.

    Raises: DataError: there is no such file, or it holds no cases.
    """
    replaced = os.environ.get(VECTORS_VARIABLE)
    folder = Path(replaced) if replaced else Path(test_file).parent / "vectors"
    path = folder / f"{name}.json"
    if not path.is_file():
        near = did_you_mean(name, [item.stem for item in folder.glob("*.json")])
        origin = f" ({VECTORS_VARIABLE} names that folder)" if replaced else ""
        raise DataError(f"there are no vectors {path}{origin}{near}")
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or not _cases(content):
        raise DataError(f"{path} must hold a list `cases`, or sections that are cases")
    return content


def tensors(
    case: Mapping[str, Any],
    *names: str,
    dtype: torch.dtype = torch.float64,
    requires_grad: bool = False,
) -> tuple[Tensor, ...]:
    """The named fields of a case as tensors; `inputs.z1` reaches into a field.

    Raises: KeyError: the case has no such field.
    """
    values = []
    for name in names:
        value: Any = case
        for key in name.split("."):
            value = value[key]
        values.append(torch.tensor(value, dtype=dtype, requires_grad=requires_grad))
    return tuple(values)


def assert_close(
    actual: Any, expected: Any, tolerance: float | tuple[float, float], field: str = "value"
) -> None:
    """Assert |actual - expected| <= absolute + relative |expected| in every entry.

    `tolerance` is (absolute, relative), or one number for both. Shapes must be equal; NaN is close
    to nothing, an infinity to itself.

    Raises: AssertionError: with the field, the worst entry and by how much it is out.
    """
    x = torch.as_tensor(actual).detach().to("cpu", torch.float64)
    y = torch.as_tensor(expected, dtype=torch.float64).detach().cpu()
    assert x.shape == y.shape, f"`{field}` has shape {tuple(x.shape)}, expected {tuple(y.shape)}"
    absolute, relative = tolerance if isinstance(tolerance, tuple) else (tolerance, tolerance)
    bound = absolute + relative * y.abs()
    excess = torch.where(x == y, 0.0, (x - y).abs() / bound).nan_to_num(nan=torch.inf)
    if excess.numel() and excess.max() > 1:
        where = tuple(int(i) for i in torch.unravel_index(excess.argmax(), excess.shape))
        raise AssertionError(
            f"`{field}` is {x[where].item():.12g} at {where}, expected {y[where].item():.12g}: "
            f"out by {(x - y)[where].abs().item():.3g}, allowed {bound[where].item():.3g}; "
            f"{int((excess > 1).sum())} of {excess.numel()} entries are out"
        )


def _cases(content: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every case with its kind."""
    if isinstance(content.get("cases"), list):
        return [(_kind(case), case) for case in content["cases"]]
    sections = {k: v if isinstance(v, list) else [v] for k, v in content.items()}
    return [(k, case) for k, held in sections.items() for case in held if isinstance(case, dict)]


def _kind(case: Mapping[str, Any]) -> str:
    """What the case is of: the first of `KIND_KEYS` that is a text."""
    return next((case[key] for key in KIND_KEYS if isinstance(case.get(key), str)), "case")
