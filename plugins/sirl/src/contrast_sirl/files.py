"""Files of trajectories: NPZ, Parquet and CSV tables, Minari data sets, LeRobot folders."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contrast.data.arrays import read_arrays
from contrast.data.files import require_file
from contrast.errors import DataError, listing

MINARI, LEROBOT = "data/main_data.hdf5", "meta/info.json"
STATE = "observation.state"


@dataclass(frozen=True)
class Recording:
    """What a file holds. Shapes:  states: N arrays (T_i, D);  names: D."""

    ids: tuple[int | str, ...]
    states: list[np.ndarray]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises: DataError: an id stands twice, or a trajectory has no step or other numbers."""
        texts = [str(each) for each in self.ids]
        if double := [each for each, count in Counter(texts).items() if count > 1]:
            raise DataError(f"two trajectories are named `{double[0]}`; ids must differ")
        if not texts or not self.names:
            raise DataError("the file holds no trajectory, or states without a number")
        for name, each in zip(texts, self.states, strict=True):
            if not len(each):
                raise DataError(f"trajectory `{name}` has no step")
            if each.shape[1:] != (len(self.names),) or each.dtype.kind not in "fiub":
                raise DataError(
                    f"trajectory `{name}` must hold {len(self.names)} numbers a step, got "
                    f"{each.dtype} {each.shape}"
                )


def read_trajectories(path: str | Path) -> Recording:
    """The trajectories of a file or folder, by its suffix or by what lies in it.

    Raises: DataError: it is missing, of another kind or damaged.
    """
    path = Path(path)
    if path.is_dir():
        if (path / LEROBOT).is_file():
            return _read_lerobot(path)
        if (path / MINARI).is_file():
            return _read_minari(path)
        raise DataError(f"{path} holds neither `{MINARI}` (Minari) nor `{LEROBOT}` (LeRobot)")
    require_file(path)
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    return _read_table(path)


def _read_npz(path: Path) -> Recording:
    """`states` (N, T, D), or (all steps, D) with `lengths`; optional `ids` and `names`."""
    arrays = read_arrays(path, ["states"], ["lengths", "ids", "names"])
    states, lengths = arrays["states"], arrays.get("lengths")
    if states.ndim not in (2, 3) or states.dtype.kind not in "fiub":
        raise DataError(f"{path}: `states` must be numbers (N, T, D) or (S, D), got {states.shape}")
    cut = _by_length(path, states, lengths)
    ids = tuple(arrays["ids"].tolist()) if "ids" in arrays else tuple(range(len(cut)))
    names = tuple(map(str, arrays["names"])) if "names" in arrays else _numbered(states.shape[-1])
    if len(ids) != len(cut) or len(names) != states.shape[-1]:
        raise DataError(
            f"{path}: {len(cut)} trajectories of {states.shape[-1]} numbers, but {len(ids)} ids "
            f"and {len(names)} names"
        )
    return Recording(ids, cut, names)


def _by_length(path: Path, states: np.ndarray, lengths: np.ndarray | None) -> list[np.ndarray]:
    if lengths is not None and (
        lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any()
    ):
        raise DataError(f"{path}: `lengths` must be whole numbers (N,) of 0 or more")
    if states.ndim == 3:
        counts = [states.shape[1]] * len(states) if lengths is None else lengths.tolist()
        if len(counts) != len(states) or (counts and max(counts) > states.shape[1]):
            raise DataError(f"{path}: `lengths` do not fit `states` of shape {states.shape}")
        return [each[:count] for each, count in zip(states, counts, strict=True)]
    if lengths is None:
        raise DataError(f"{path}: `states` of all steps, {states.shape}, need `lengths` as well")
    if int(lengths.sum()) != len(states):
        raise DataError(f"{path}: `lengths` add up to {int(lengths.sum())}, not to {len(states)}")
    return np.split(states, np.cumsum(lengths)[:-1]) if len(lengths) else []


def _read_table(path: Path) -> Recording:
    """One row a step: `trajectory`, optional `step`, and the numbers of the state."""
    from contrast.data.tables import read_table, require_columns

    frame = read_table(path, text=["trajectory"])
    require_columns(frame, ["trajectory"], path)
    if "step" in frame and frame["step"].dtype.kind not in "fiuM":
        raise DataError(f"{path}: `step` must be numbers, by which a trajectory's rows are ordered")
    for column in ("trajectory", "step"):
        if column in frame and frame[column].isna().any():
            row = int(frame[column].isna().to_numpy().argmax())
            raise DataError(f"{path}: `{column}` is empty in row {row + 1}; remove such rows")
    if "step" in frame:
        frame = frame.sort_values("step", kind="stable")
    numbers = frame.drop(columns=["trajectory", "step"], errors="ignore")
    wrong = [str(name) for name in numbers if numbers[name].dtype.kind not in "fiub"]
    if wrong or not numbers.shape[1]:
        named = f": `{wrong[0]}` is not" if wrong else ", it has no other column"
        raise DataError(f"{path} must hold numbers beside `trajectory` and `step`{named}")
    grouped = numbers.groupby(frame["trajectory"].to_numpy(), sort=False)
    found = {str(name): rows.to_numpy(dtype=np.float64) for name, rows in grouped}
    ordered = sorted(found, key=_naturally)
    return Recording(tuple(ordered), [found[n] for n in ordered], tuple(map(str, numbers.columns)))


def _read_minari(path: Path) -> Recording:
    """The observations of every episode; those in parts are put side by side."""
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"{path} is a Minari data set, which h5py reads: pip install 'contrast-sirl[minari]'"
        ) from None
    states, ids, names = [], [], ()
    try:
        with h5py.File(path / MINARI) as held:
            for episode in sorted(held, key=_naturally):
                parts = dict(_arrays(held[episode]["observations"]))
                flat = [np.asarray(each).reshape(len(each), -1) for each in parts.values()]
                names = tuple(
                    name if each.shape[1] == 1 else f"{name}{i}"
                    for name, each in zip(parts, flat, strict=True)
                    for i in range(each.shape[1])
                )
                states.append(np.concatenate(flat, axis=1))
                ids.append(episode.removeprefix("episode_"))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path / MINARI} is no Minari data set: {error}") from None
    return Recording(tuple(ids), states, names)


def _arrays(node: Any, name: str = "") -> Any:
    """The arrays below a node of an HDF5 file, by name."""
    if hasattr(node, "keys"):
        for key in sorted(node):
            yield from _arrays(node[key], f"{name}{key}.")
    else:
        yield name.removesuffix(".") or "x", node[()]


def _read_lerobot(path: Path) -> Recording:
    """`observation.state` of every episode, in versions 2 and 3 of the layout."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted((path / "data").rglob("*.parquet"))
    if not files:
        raise DataError(f"{path} has no table under `data/`")
    columns = ["episode_index", "frame_index", STATE]
    try:
        table = pa.concat_tables([pq.read_table(file, columns=columns) for file in files])
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataError(f"{files[0]} is no table of a LeRobot folder: {error}") from None
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise DataError(f"{files[0]} has no column {listing(missing)}")
    table = table.sort_by([("episode_index", "ascending"), ("frame_index", "ascending")])
    try:
        states = np.array(table[STATE].to_pylist(), dtype=np.float64).reshape(len(table), -1)
    except (TypeError, ValueError):
        raise DataError(f"{path}: `{STATE}` must be as many numbers in every row") from None
    episodes, starts = np.unique(table["episode_index"].to_numpy(), return_index=True)
    return Recording(
        tuple(episodes.tolist()),
        np.split(states, starts[1:]),
        _lerobot_names(path, states.shape[1]),
    )


def _lerobot_names(path: Path, count: int) -> tuple[str, ...]:
    described = json.loads((path / LEROBOT).read_text(encoding="utf-8"))
    names = described.get("features", {}).get(STATE, {}).get("names") or []
    if isinstance(names, dict):  # a group of names, such as {"motors": [...]}
        names = [each for group in names.values() for each in group]
    return tuple(map(str, names)) if len(names) == count else _numbered(count)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(count))


def _naturally(name: str) -> list[tuple[int, int | str]]:
    """An order in which `9` comes before `10`."""
    parts = re.split(r"(\d+)", str(name))
    return [(0, int(p)) if p.isdigit() else (1, p) for p in parts if p]
