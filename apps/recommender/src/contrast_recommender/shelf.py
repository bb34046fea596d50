"""A finished run of MCLRec or of a method beside it, opened for trying: what follows, what is near.

Items are counted from 0 in the order of the run's catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from contrast.errors import ConfigError
from contrast.reporting.serving import check_finished

if TYPE_CHECKING:
    from contrast_mclrec import Recommender

PLUGIN = "mclrec"


@dataclass(frozen=True)
class Found:
    """An item in a list, its score there, and of those taken the one it is nearest to, if any."""

    item: int
    score: float
    nearest: int | None = None


class Shelf:
    """I items that can be taken, as one run knows them."""

    def __init__(self, name: str, recommender: Recommender) -> None:
        self.name, self.recommender, log = name, recommender, recommender.log
        self.ids, self.people = log.item_ids, log.users
        self.titles = [log.title(id) for id in log.item_ids]
        self.popularity = log.popularity[1:]

    def __len__(self) -> int:
        """The number I of items."""
        return len(self.ids)

    @property
    def favourite(self) -> int:
        """The item taken most often in training, where a visit begins."""
        return int(self.popularity.argmax())

    def following(self, taken: Sequence[int], k: int = 10) -> list[Found]:
        """The k best next items after those taken, oldest first; never one of them.

        With nothing taken, the most popular ones, scored by how often they were taken.
        """
        if not taken:
            order = (-self.popularity).argsort(kind="stable")[:k]
            return [Found(int(item), float(self.popularity[item])) for item in order]
        (best,) = self.recommender.recommend([[self.ids[item] for item in taken]], k)
        return [self._found(each.item, each.score, taken) for each in best]

    def near(self, item: int, k: int = 10) -> list[Found]:
        """The k items nearest to one by cosine of their embeddings; none where it has none."""
        if self.rows is None:
            return []
        return [
            self._found(each.item, each.score)
            for each in self.recommender.similar(self.ids[item], k)
        ]

    def history(self, person: str) -> list[int]:
        """What somebody in the log has taken, oldest first.

        Raises: DataError: there is no such person.
        """
        return [int(number) - 1 for number in self.recommender.log.history(person)]

    @cached_property
    def rows(self) -> np.ndarray | None:
        """The embeddings of the items at length 1, (I, D); None for a model that keeps none."""
        try:
            _, z = self.recommender.item_embeddings()
        except ConfigError:
            return None
        length = np.linalg.norm(z, axis=1, keepdims=True)
        return z / np.where(length > 0, length, 1)

    def _found(self, id: str, score: float, taken: Sequence[int] = ()) -> Found:
        item = self.recommender.log.number_of_item[id] - 1
        if not taken or self.rows is None:
            return Found(item, score)
        closest = (self.rows[list(taken)] @ self.rows[item]).argmax()
        return Found(item, score, taken[int(closest)])


def open_run(folder: Path) -> Shelf:
    """The run in this folder.

    Raises: RunFolderError: it is no run folder, or the run is not finished;
    ConfigError: it is a run of another plugin;  DataError: its data are gone or have changed.
    """
    check_finished(folder, PLUGIN, "the recommender's page")
    from contrast_mclrec import Recommender

    return Shelf(folder.resolve().name, Recommender.load(folder))
