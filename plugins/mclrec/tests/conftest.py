"""A small log that has everything: users of one event, repeats, equal times."""

import numpy as np
import pytest

from contrast_mclrec.data import as_log
from contrast_mclrec.table import Events


def events(users: int = 24, items: int = 30, most: int = 14) -> Events:
    """People who walk through the items, each from a place of their own, with some stumbling."""
    draw = np.random.default_rng(0)
    rows = []
    for user in range(users):
        start, length = draw.integers(items), 4 + draw.integers(most - 3)
        for step in range(1 if user == 3 else length):
            rows.append((user, (start + step + (draw.random() < 0.2)) % items, 10 * step + user))
    table = np.array(rows)[draw.permutation(len(rows))]
    names = [[f"u{i}" for i in range(users)], [f"i{i}" for i in range(items)]]
    return Events(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), table[:, 2], *names)


@pytest.fixture(scope="session")
def small_events():
    """The function that makes the small log's events."""
    return events


@pytest.fixture(scope="session")
def small_csv():
    """The function that writes the small log as a table."""
    return write_csv


@pytest.fixture
def log():
    """The small log, leave-one-out."""
    return as_log(events())


def write_csv(path, users: int = 24, items: int = 30, header: str = "user_id,item_id,timestamp"):
    """The small log as a table; gives the path."""
    made = events(users, items)
    lines = [
        f"{made.user_ids[u]},{made.item_ids[i]},{t}"
        for u, i, t in zip(made.users, made.items, made.times, strict=True)
    ]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path
