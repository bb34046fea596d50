"""The records of a run folder: evaluations written and read, metrics and settings read.

    run.json, config.json, metrics.jsonl, times.jsonl       written by the engine
    evaluation/STAGE.json, evaluation/STAGE.N.npz           metrics, tables and notes; the maps
    diagnostics/STAGE.json                                  how hard the last batch's negatives were

Everything is JSON or plain numeric and text arrays; nothing is pickled. NaN is never written.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contrast.errors import RunFolderError
from contrast.evaluation.inputs import as_array
from contrast.files import write_atomically
from contrast.interfaces import Drawing, Evaluation, Map, Reference, Table

if TYPE_CHECKING:
    from contrast.evaluation import Diagnosis

FOLDER = "evaluation"
DIAGNOSTICS = "diagnostics"
KINDS = {dict: "an object", list: "a list"}  # of JSON
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Record:
    """What a run folder holds; a file that is missing gives an empty field."""

    folder: Path
    run: dict[str, Any] = field(default_factory=dict)
    config: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    times: list[dict[str, Any]] = field(default_factory=list)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    diagnoses: dict[str, Diagnosis] = field(default_factory=dict)


def read_record(folder: Path) -> Record:
    """The records of a run folder.

    Raises: RunFolderError: there is no such folder, or a file in it is damaged.
    """
    if not folder.is_dir():
        raise RunFolderError(f"there is no run folder {folder}")
    return Record(
        folder=folder,
        run=read_json(folder / "run.json", {}),
        config=_read_settings(folder / "config.json"),
        metrics=read_metrics(folder),
        times=read_lines(folder / "times.jsonl"),
        evaluations=load_evaluations(folder),
        diagnoses=load_diagnoses(folder),
    )


def save_evaluation(evaluation: Evaluation, folder: Path, stage: str) -> None:
    """Write an evaluation of a stage under `folder/evaluation`, over an earlier one.

    Raises: ValueError: a number is NaN or infinite.  RunFolderError: the folder takes no file.
    """
    home = folder / FOLDER
    names = [f"{stage}.{number}.npz" for number in range(len(evaluation.maps))]
    content = {
        "metrics": {name: _plain(v, f"metric `{name}`") for name, v in evaluation.metrics.items()},
        "tables": [_table_to_json(table) for table in evaluation.tables],
        "maps": [
            {"title": m.title, "file": name} for m, name in zip(evaluation.maps, names, strict=True)
        ],
        "notes": list(evaluation.notes),
        "references": [_reference_to_json(each) for each in evaluation.references],
        "drawings": [asdict(each) for each in evaluation.drawings],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for drawn, name in zip(evaluation.maps, names, strict=True):
            np.savez_compressed(home / name, **_map_to_arrays(drawn))
        write_atomically(home / f"{stage}.json", text)
    except OSError as error:
        raise RunFolderError(f"cannot write the evaluation into {home}: {error}") from error


def load_evaluations(folder: Path) -> dict[str, Evaluation]:
    """The evaluations of a run folder by stage, in the order in which they were written.

    Raises: RunFolderError: a file is damaged.
    """
    return {file.stem: _evaluation_from_json(file) for file in _by_age(folder / FOLDER)}


def save_diagnosis(diagnosis: Diagnosis, folder: Path, stage: str) -> None:
    """Write a stage's diagnosis under `folder/diagnostics`, over an earlier one.

    Raises: RunFolderError: the folder takes no file.
    """
    home = folder / DIAGNOSTICS
    text = json.dumps(asdict(diagnosis), indent=1, allow_nan=False) + "\n"
    try:
        home.mkdir(parents=True, exist_ok=True)
        write_atomically(home / f"{stage}.json", text)
    except OSError as error:
        raise RunFolderError(f"cannot write the diagnosis into {home}: {error}") from error


def load_diagnoses(folder: Path) -> dict[str, Diagnosis]:
    """The diagnoses of a run folder by stage, in the order in which they were written.

    Raises: RunFolderError: a file is damaged.
    """
    return {file.stem: _diagnosis_from_json(file) for file in _by_age(folder / DIAGNOSTICS)}


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl`, one a step or validation; empty where there is no such file.

    Raises: RunFolderError: a line is damaged.
    """
    return read_lines(folder / "metrics.jsonl")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; a last line without its end is still being written.

    Raises: RunFolderError: a line is damaged.
    """
    if not path.exists():
        return []
    *lines, _unfinished = path.read_text(encoding="utf-8").split("\n")
    try:
        return [json.loads(line) for line in lines]
    except json.JSONDecodeError as error:
        raise RunFolderError(f"{path} is damaged: {error}") from error


def by_stage(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Lines of metrics or times by their stage, in order."""
    stages = defaultdict(list)
    for line in lines:
        stages[line.get("stage", "train")].append(line)
    return stages


def _by_age(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))


def read_json(path: Path, default: Any) -> Any:
    """What a JSON file of a run holds; the default, whose type it must have, where there is none.

    Raises: RunFolderError: it is damaged.
    """
    if not path.exists():
        return default
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise RunFolderError(f"{path} is damaged: {error}") from error
    if not isinstance(found, type(default)):
        raise RunFolderError(f"{path} is damaged: it must hold {KINDS[type(default)]}")
    return found


def _read_settings(path: Path) -> list[dict[str, Any]]:
    found = read_json(path, [])
    if not all(isinstance(each, dict) and {"key", "value"} <= each.keys() for each in found):
        raise RunFolderError(f"{path} is damaged: it must hold settings with `key` and `value`")
    return found


def _evaluation_from_json(file: Path) -> Evaluation:
    content = read_json(file, {})
    try:
        return Evaluation(
            metrics=content["metrics"],
            tables=tuple(_table_from_json(table) for table in content["tables"]),
            maps=tuple(
                _map_from_file(file.parent / m["file"], m["title"]) for m in content["maps"]
            ),
            notes=tuple(content["notes"]),
            references=tuple(Reference(**each) for each in content.get("references", ())),
            drawings=tuple(Drawing(**each) for each in content.get("drawings", ())),
        )
    except (KeyError, TypeError, OSError, ValueError) as error:
        raise RunFolderError(
            f"{file} is no evaluation written by contrast, or a file it names is damaged: {error}"
        ) from error


def _diagnosis_from_json(file: Path) -> Diagnosis:
    from contrast.evaluation import Diagnosis  # brings torch, which reading the rest needs not

    try:
        return Diagnosis(**read_json(file, {}))
    except TypeError as error:
        raise RunFolderError(f"{file} is no diagnosis written by contrast: {error}") from error


def _table_to_json(table: Table) -> dict[str, Any]:
    rows = [[_plain(cell, f"table `{table.title}`") for cell in row] for row in table.rows]
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": rows,
        "caption": table.caption,
    }


def _table_from_json(content: dict[str, Any]) -> Table:
    rows = tuple(tuple(row) for row in content["rows"])
    return Table(content["title"], tuple(content["columns"]), rows, content["caption"])


def _reference_to_json(reference: Reference) -> dict[str, Any]:
    where = f"reference for `{reference.metric}`"
    return {name: _plain(value, where) for name, value in asdict(reference).items()}


def _plain(value: Any, where: str) -> Any:
    """A number, text or None as JSON knows it; anything else as its text."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} holds {value}; a value that is not defined must be None")
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _map_to_arrays(drawn: Map) -> dict[str, np.ndarray]:
    arrays = {"z": as_array(drawn.z).astype(np.float32)}
    for name, values in (("labels", drawn.labels), ("ids", drawn.ids)):
        if values is not None:
            arrays[name] = _plain_array(values)
    return arrays


def _map_from_file(file: Path, title: str) -> Map:
    with np.load(file, allow_pickle=False) as arrays:
        return Map(title, arrays["z"], arrays.get("labels"), arrays.get("ids"))


def _plain_array(values: Any) -> np.ndarray:
    """Numbers as they are; everything else as text, None as `unlabelled`."""
    array = as_array(values)
    if array.dtype.kind in "biufU":
        return array
    return np.array([UNLABELLED if value is None else str(value) for value in array], dtype=str)
