"""Logs that MCLRec learns from: published ones, MovieLens-100k, and the user's own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import Generator

from contrast.data.ml_100k import ml_100k_file
from contrast.data.sources import Source, fetch
from contrast.errors import DataError
from contrast_mclrec.log import Log
from contrast_mclrec.split import by_time, leave_one_out
from contrast_mclrec.table import Events, read_events, read_table

COMMIT = "bc8d622b1dcf17403bdda00e477ee5df17b128a4"
CHECKSUMS = {
    "Amazon_Beauty": "c362fc7848cf94a58ab3c5cecd9f001520e4cffc8dbacbff0c457ccdec4f4a25",
    "Amazon_Sports_and_Outdoors": (
        "8535d1f87d55f0c498ae7726e0861a96e4163f9e348a2cd69ce3ad065cf74010"
    ),
    "Amazon_Toys_and_Games": "9c7d9417c323f442453647bfa817138f021704998758dae13754d6eebabde718",
    "Yelp": "38e72caf1dfb047ff31c19e74983f2c89d3d1b5f8b2a04425dcaf8f5c8c83776",
}


def published(generator: Generator, *, folder: str) -> Log:
    """One of the paper's data sets, in the authors' own files; their order is that of time."""
    name = f"{folder}/{folder}.inter"
    url = f"https://raw.githubusercontent.com/QinHsiu/MCLRec/{COMMIT}/dataset/{name}"
    path = fetch(Source(f"seqrec/{name}", url, CHECKSUMS[folder]))
    return as_log(read_events(path, user="user_id", item="item_id", time="", separator=""))


beauty = partial(published, folder="Amazon_Beauty")
sports = partial(published, folder="Amazon_Sports_and_Outdoors")
toys = partial(published, folder="Amazon_Toys_and_Games")
yelp = partial(published, folder="Yelp")


def ml_100k(generator: Generator, *, split: str, held_out: float) -> Log:
    """MovieLens-100k: 943 people and the 1682 films that they rated, in the order of time."""
    events = read_events(
        ml_100k_file("ml-100k.inter"),
        user="user_id",
        item="item_id",
        time="timestamp",
        separator="",
    )
    films = read_titles(ml_100k_file("ml-100k.item"), "item_id", "movie_title")
    return replace(as_log(events, split=split, held_out=held_out), titles=films)


def interactions(
    generator: Generator,
    *,
    path: str,
    user: str,
    item: str,
    time: str,
    separator: str,
    titles: str,
    min_user_events: int,
    min_item_events: int,
    split: str,
    held_out: float,
) -> Log:
    """The user's own table of events.

    Rows may stand in any order. Rows without user, item or time, and rows that repeat user, item
    and time, are left out and counted; then users and items of too few events.
    Raises: DataError: the table cannot be used; says why and what to change.
    """
    events = read_events(path, user=user, item=item, time=time, separator=separator)
    events = frequent(events, min_user_events, min_item_events)
    log = as_log(events, split=split, held_out=held_out)
    return replace(log, titles=read_titles(titles, item, "title")) if titles else log


def as_log(events: Events, *, split: str = "leave_one_out", held_out: float = 0.1) -> Log:
    """The events sorted by user and time, and split; of equal times the file's order is kept."""
    order = in_time(events)
    users, items = events.users[order], events.items[order]
    times = None if events.times is None else events.times[order]
    fresh = first_of_equal(users, items, times)
    notes = list(events.notes)
    if lost := len(fresh) - int(fresh.sum()):
        notes.append(f"{lost} events that repeat user, item and time were left out.")
        users, items, times = users[fresh], items[fresh], times[fresh]
    starts = np.concatenate([[0], np.bincount(users, minlength=len(events.user_ids)).cumsum()])
    parts = leave_one_out(starts) if split == "leave_one_out" else by_time(starts, times, held_out)
    log = Log(items + 1, starts, events.user_ids, events.item_ids, parts)
    return replace(log, notes=(*notes, *parts.notes, *unseen(log)))


def in_time(events: Events) -> np.ndarray:
    """The order of rows by user, then time, then row."""
    if events.times is None or (events.times[1:] >= events.times[:-1]).all():
        return events.users.argsort(kind="stable")
    by_time = events.times.argsort(kind="stable")
    return by_time[events.users[by_time].argsort(kind="stable")]


def first_of_equal(users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """Whether an event is the first of its user, item and time; all are where there is no time."""
    fresh = np.ones(len(users), dtype=bool)
    if times is None:
        return fresh
    again = (users[1:] == users[:-1]) & (times[1:] == times[:-1])
    run = np.concatenate([[0], (~again).cumsum()])  # events of one user at one time
    crowded = np.flatnonzero(np.bincount(run)[run] > 1)
    order = crowded[np.lexsort((crowded, items[crowded], run[crowded]))]
    same = (run[order][1:] == run[order][:-1]) & (items[order][1:] == items[order][:-1])
    fresh[order[1:][same]] = False
    return fresh


def frequent(events: Events, least_user: int, least_item: int) -> Events:
    """The events of users and items with enough of them; repeated until all have enough.

    Raises: DataError: none is left.
    """
    kept = np.ones(len(events.users), dtype=bool)
    while True:
        by_user = np.bincount(events.users[kept], minlength=len(events.user_ids))
        by_item = np.bincount(events.items[kept], minlength=len(events.item_ids))
        enough = (by_user[events.users] >= least_user) & (by_item[events.items] >= least_item)
        if (kept & enough).sum() == kept.sum():
            break
        kept &= enough
    if kept.all():
        return events
    if not kept.any():
        raise DataError(
            f"no event is left where users need {least_user} events and items {least_item}: lower "
            "`data.min_user_events` or `data.min_item_events`"
        )
    users, user_ids = renumbered(events.users[kept], events.user_ids)
    items, item_ids = renumbered(events.items[kept], events.item_ids)
    times = None if events.times is None else events.times[kept]
    note = (
        f"{(~kept).sum()} events of users with fewer than {least_user} events or items with fewer "
        f"than {least_item} were left out: {len(events.user_ids) - len(user_ids)} users, "
        f"{len(events.item_ids) - len(item_ids)} items."
    )
    return Events(users, items, times, user_ids, item_ids, (*events.notes, note))


def renumbered(codes: np.ndarray, names: list[str]) -> tuple[np.ndarray, list[str]]:
    """The codes without gaps, and their names; the order stays."""
    present = np.bincount(codes, minlength=len(names)) > 0
    place = (present.cumsum() - 1).astype(np.int32)
    return place[codes], [name for name, here in zip(names, present, strict=True) if here]


def unseen(log: Log) -> tuple[str, ...]:
    """A sentence where items are tested that training never sees; they stay rankable."""
    cold = int((log.popularity[log.items[log.split.test]] == 0).sum())
    if not cold:
        return ()
    return (f"{cold} of {len(log.split.test)} test targets are items that training never sees.",)


def read_titles(path: str | Path, item: str, title: str) -> Mapping[str, str]:
    """Titles by item id, from a table with those two columns.

    Raises: DataError: there is no such table, or one of the columns is missing.
    """
    advice = f"titles stand in a column `{title}` beside the log's column `{item}`"
    table = read_table(Path(path), [item, title], advice=advice)
    ids, names = (column.cast("string").to_pylist() for column in table.columns)
    return {key: name for key, name in zip(ids, names, strict=True) if key and name}
