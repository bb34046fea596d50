"""A log of who took what, as one array of items with the place where each user begins."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from contrast.errors import DataError, did_you_mean

NEAREST_AMONG = 10**5  # ids up to which an unknown one is compared with all; takes seconds there


@dataclass(frozen=True)
class Split:
    """The events that are predicted, each from what its user took before.

    Shapes:  train, valid, test: positions in `Log.items`, int64;  sentence: how it was split.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Log:
    """The histories of U users over I items, in the order of time, without padding.

    Shapes:  items: (n,) int32 in 1..I, one user after the other;  starts: (U + 1,) int64, user u
    owns items[starts[u]:starts[u + 1]];  user_ids: U, item_ids: I texts, item 1 first.
    `titles` names items for people, by id; `notes` are sentences for the report.
    """

    items: np.ndarray
    starts: np.ndarray
    user_ids: list[str]
    item_ids: list[str]
    split: Split
    titles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def users(self) -> int:
        """The number U of users."""
        return len(self.user_ids)

    @property
    def catalogue(self) -> int:
        """The number I of items."""
        return len(self.item_ids)

    def owner(self, positions: np.ndarray) -> np.ndarray:
        """The user of each position."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    @cached_property
    def popularity(self) -> np.ndarray:
        """How often each item occurs among the events that training sees, (I + 1,); 0 is 0."""
        seen = np.zeros(len(self.items), dtype=bool)
        seen[self.split.train] = True
        firsts = self.starts[:-1][np.diff(self.starts) > 0]
        follows = seen[np.minimum(firsts + 1, len(seen) - 1)]
        seen[firsts[follows]] = True  # the first event of a user is never predicted
        return np.bincount(self.items[seen], minlength=self.catalogue + 1)

    @cached_property
    def fingerprint(self) -> int:
        """A number that tells one catalogue, in its order, from another."""
        digest = hashlib.sha256("\n".join(self.item_ids).encode()).digest()
        return int.from_bytes(digest[:7], "big")

    @cached_property
    def number_of_item(self) -> dict[str, int]:
        """The number of each item by id."""
        return {name: number for number, name in enumerate(self.item_ids, start=1)}

    @cached_property
    def number_of_user(self) -> dict[str, int]:
        """The number of each user by id."""
        return {name: number for number, name in enumerate(self.user_ids)}

    def history(self, user: str) -> np.ndarray:
        """All items of a user, oldest first.

        Raises: DataError: no such user.
        """
        number = self.number_of_user.get(str(user))
        if number is None:
            near = nearest(str(user), self.user_ids)
            raise DataError(f"no user `{user}` in this log of {self.users} users{near}")
        return self.items[self.starts[number] : self.starts[number + 1]]

    def title(self, item: str) -> str:
        """The item's title, its id where none is known."""
        return self.titles.get(item, item)


def nearest(id: str, known: Collection[str]) -> str:
    """Which id may have been meant, as the end of a message; empty where there are too many."""
    return did_you_mean(id, known) if len(known) < NEAREST_AMONG else ""
