"""Runs side by side: those that differ in their seed alone are one group.

comparison = compare_runs([Path("runs/meow-sweep"), Path("runs/mine")])
comparison.groups[0].spreads["macro_f1/20"].mean
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contrast.errors import RunFolderError
from contrast.interfaces import Reference
from contrast.reporting.finding import finished_runs, left_out
from contrast.reporting.formats import show_setting
from contrast.reporting.records import Record, read_record
from contrast.reporting.summary import Spread, spread_of

SEED = "seed"
NAMED = ("plugin", "method", "data", "sampler", "encoder", "objective")  # known by their value


@dataclass(frozen=True)
class Group:
    """Runs of one configuration; `label` is what sets it apart from the other groups."""

    label: str
    records: tuple[Record, ...]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Every setting but the seed, by its key."""
        return settings_of(self.records[0])

    @cached_property
    def seeds(self) -> list[int]:
        """The seed of every run."""
        return [record.run.get(SEED) for record in self.records]

    @cached_property
    def metrics(self) -> list[dict[str, float | None]]:
        """What each run's evaluation found; a later stage wins."""
        return [
            {k: v for found in record.evaluations.values() for k, v in found.metrics.items()}
            for record in self.records
        ]

    @cached_property
    def spreads(self) -> dict[str, Spread]:
        """Every metric over the runs in which it is defined."""
        names = dict.fromkeys(name for row in self.metrics for name in row)
        return {name: spread_of([row.get(name) for row in self.metrics]) for name in names}

    @cached_property
    def references(self) -> list[Reference]:
        """The figures of others for what the runs measure."""
        every = (
            r for record in self.records for e in record.evaluations.values() for r in e.references
        )
        return list(dict.fromkeys(every))


@dataclass(frozen=True)
class Comparison:
    """Groups in the order of their first runs; `notes` say what is left out or to be careful of."""

    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def runs(self) -> int:
        """How many runs there are in all groups."""
        return sum(len(group.records) for group in self.groups)

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics of all groups, in the order in which they come."""
        return list(dict.fromkeys(name for group in self.groups for name in group.spreads))

    @cached_property
    def differing(self) -> list[str]:
        """The keys of the settings in which the groups differ."""
        return _differing([group.settings for group in self.groups])


def compare_runs(paths: Sequence[Path]) -> Comparison:
    """Compare finished runs; a folder of runs, such as a sweep's, stands for those in it.

    What is not finished or damaged in a folder of runs is left out with a note.
    Raises: RunFolderError: a path is neither, a run that is named is not finished or damaged, or
    there are fewer than two runs.
    """
    folders, notes = finished_runs(paths)
    records = _records(folders, {path.resolve() for path in paths}, notes)
    if len(records) < 2:
        few = f"nothing to compare: {len(records)} finished run; name two, or a folder of runs"
        raise RunFolderError("\n".join([few, *notes[:2]]))  # the rest is told when there are two
    groups = _grouped(records)
    return Comparison(groups, (*notes, *_cautions(groups)))


def settings_of(record: Record) -> dict[str, Any]:
    """The settings of a run by key, without the seed."""
    return {e["key"]: e["value"] for e in record.config if e["key"] != SEED}


def _records(folders: list[Path], named: set[Path], notes: list[str]) -> list[Record]:
    """The records of runs; one that is damaged is noted, unless it was named.

    Raises: RunFolderError: a run that was named is damaged.
    """
    found = []
    for folder in folders:
        try:
            found.append(read_record(folder))
        except RunFolderError as error:
            if folder in named:
                raise
            notes.append(left_out(error))
    return found


def _grouped(records: list[Record]) -> tuple[Group, ...]:
    alike: dict[str, list[Record]] = {}
    for record in records:
        alike.setdefault(json.dumps(settings_of(record), sort_keys=True), []).append(record)
    labels = _labels([settings_of(several[0]) for several in alike.values()])
    return tuple(
        Group(label, tuple(sorted(several, key=lambda record: record.run.get(SEED, 0))))
        for label, several in zip(labels, alike.values(), strict=True)
    )


def _labels(settings: list[dict[str, Any]]) -> list[str]:
    """What sets each group apart, in as few settings as tell all groups from one another."""
    if len(settings) == 1:
        return [" on ".join(str(settings[0].get(key, "")) for key in ("method", "data"))]
    telling: list[str] = []
    for key in sorted(_differing(settings), key=lambda key: (key not in NAMED, "." in key)):
        if _distinct(settings, [*telling, key]) > _distinct(settings, telling):
            telling.append(key)
    for key in reversed(telling):  # two may tell what a third told; the last known go first
        rest = [each for each in telling if each != key]
        if _distinct(settings, rest) == len(settings):
            telling = rest
    return [_label(each, telling) for each in settings]


def _label(settings: dict[str, Any], keys: list[str]) -> str:
    last = Counter(key.rpartition(".")[2] for key in keys)
    words = []
    for key in keys:
        short = key.rpartition(".")[2]
        name = "" if key in NAMED else f"{short if last[short] == 1 else key}="
        words += [f"{name}{show_setting(settings[key])}"] if key in settings else []
    return ", ".join(words) or f"without {', '.join(keys)}"


def _distinct(settings: list[dict[str, Any]], keys: list[str]) -> int:
    return len({json.dumps([[key in each, each.get(key)] for key in keys]) for each in settings})


def _differing(settings: list[dict[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for each in settings for key in each)
    return [key for key in keys if _distinct(settings, [key]) > 1]


def _data(settings: list[dict[str, Any]]) -> list[str]:
    """The data of the groups, each once; by its path too where one part read several."""
    each = list(dict.fromkeys((str(s.get("data")), s.get("data.path")) for s in settings))
    parts = Counter(name for name, _ in each)
    return [
        name if parts[name] == 1 or path is None else f"{name} from {show_setting(path)}"
        for name, path in each
    ]


def _cautions(groups: tuple[Group, ...]) -> Iterable[str]:
    """What makes a comparison say less than it seems to."""
    data = _data([group.settings for group in groups])
    if len(data) > 1:
        yield f"Measured on different data ({', '.join(data)}): the figures do not compare."
    for group in groups:
        twice = [str(seed) for seed, times in Counter(group.seeds).items() if times > 1]
        if twice:
            yield (
                f"{group.label}: several runs have seed {', '.join(twice)}; "
                "the spread is smaller than over different seeds."
            )
    found = [r.run.get("versions", {}) for group in groups for r in group.records]
    for name in dict.fromkeys(name for each in found for name in each):
        several = sorted({str(each[name]) for each in found if name in each})
        if len(several) > 1:
            yield f"Made with different {name}: {', '.join(several)}."
