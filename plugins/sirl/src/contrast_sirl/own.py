"""Your own trajectories, with what people said of them: files to `Trajectories`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from contrast.errors import DataError, did_you_mean, listing
from contrast_sirl.answers import read_answers, read_preferences
from contrast_sirl.files import Recording, read_trajectories
from contrast_sirl.gridrobot import normalised
from contrast_sirl.trajectories import Scene, Trajectories, split


@dataclass(frozen=True)
class Padded:
    """Recordings side by side. Shapes:  steps: (N, T, D);  mask: (N, T)."""

    steps: Tensor
    mask: Tensor


def trajectories(
    *,
    generator: Generator,
    path: str,
    answers: str,
    preferences: str,
    features: str,
    draw: tuple[str, ...],
    held_out: float,
) -> Trajectories:
    """Trajectories of files, padded to the longest.

    Raises: DataError: a file is missing, damaged or names unknown trajectories.
    """
    found = read_trajectories(path)
    padded = pad(found)
    train, test = split(len(found.ids), held_out, generator)
    truth, names = read_features(features, found.ids) if features else (None, ())
    made = Trajectories(
        steps=padded.steps,
        mask=padded.mask,
        constants=torch.zeros(len(found.ids), 0),
        ids=found.ids,
        train=train,
        test=test,
        scene=scene(found, padded, draw, path),
        features=truth,
        feature_names=names,
    )
    notes = list(_lengths(made))
    said = preferred = None
    if answers:
        said, more = read_answers(answers, made.row_of)
        notes += more
    if preferences:
        preferred, more = read_preferences(preferences, made.row_of)
        notes += more
    return replace(made, answers=said, preferences=preferred, notes=tuple(notes))


def pad(found: Recording) -> Padded:
    """Zeros behind the end of shorter trajectories, and a mask of the real steps."""
    lengths = torch.tensor([len(each) for each in found.states])
    longest, numbers = int(lengths.max()), found.states[0].shape[1]
    steps = torch.zeros(len(lengths), longest, numbers)
    for row, each in zip(steps, found.states, strict=True):
        row[: len(each)] = torch.from_numpy(np.asarray(each, dtype=np.float32))
    return Padded(steps, torch.arange(longest) < lengths[:, None])


def read_features(path: str, ids: tuple[int | str, ...]) -> tuple[Tensor, tuple[str, ...]]:
    """True features by trajectory, each brought to [0, 1].

    Raises: DataError: a trajectory has none or stands twice, or a value is no finite number.
    """
    from contrast.data.tables import read_table, require_columns

    frame = read_table(path, text=["trajectory"])
    require_columns(frame, ["trajectory"], path)
    double = frame["trajectory"][frame["trajectory"].duplicated()]
    if len(double):
        raise DataError(f"{path} has trajectory `{double.iloc[0]}` twice; features are its own")
    frame = frame.set_index("trajectory")
    if wrong := [str(name) for name in frame if frame[name].dtype.kind not in "fiub"]:
        raise DataError(f"{path} must hold numbers beside `trajectory`: `{wrong[0]}` is not")
    missing = [str(each) for each in ids if str(each) not in frame.index]
    if missing:
        raise DataError(f"{path} has no features of {len(missing)} trajectories: {missing[0]}, ...")
    values = frame.loc[[str(each) for each in ids]]
    raw = values.to_numpy(dtype=np.float64)
    if not raw.size or not np.isfinite(raw).all():
        raise DataError(f"{path} must hold one finite number or more for each trajectory")
    return torch.tensor(normalised(raw), dtype=torch.float32), tuple(map(str, values.columns))


def scene(found: Recording, padded: Padded, draw: tuple[str, ...], path: str) -> Scene:
    """The two numbers that are drawn; a single number is drawn over time.

    Raises: DataError: a name is unknown, or they are not two.
    """
    if draw and len(draw) != 2:
        raise DataError(f"`data.draw` names two numbers, got {listing(draw)}")
    for name in draw:
        if name not in found.names:
            near = did_you_mean(name, found.names)
            raise DataError(f"{path} has no number `{name}`{near}\nIt has {listing(found.names)}.")
    if len(found.names) == 1:
        time = torch.arange(padded.steps.shape[1]).float().expand(padded.steps.shape[:2])
        return Scene(torch.stack([time, padded.steps[..., 0]], dim=-1), axes=("step", *found.names))
    axes = draw or found.names[:2]
    places = [found.names.index(name) for name in axes]
    return Scene(padded.steps[..., places], axes=(axes[0], axes[1]), captions=_names(found))


def _names(found: Recording) -> tuple[str, ...]:
    return tuple(str(each) for each in found.ids)


def _lengths(made: Trajectories) -> tuple[str, ...]:
    if not made.ragged:
        return ()
    counts = made.mask.sum(1)
    return (
        f"Trajectories have {int(counts.min())} to {int(counts.max())} steps: padded, with a mask.",
    )


def known_media(folder: Path, ids: tuple[int | str, ...]) -> dict[int | str, Path]:
    """The picture or film of each trajectory that has one: a file named by its id."""
    kinds = (".gif", ".mp4", ".webm", ".png", ".jpg")
    files = {item.stem: item for item in sorted(folder.iterdir()) if item.suffix.lower() in kinds}
    return {each: files[str(each)] for each in ids if str(each) in files}
