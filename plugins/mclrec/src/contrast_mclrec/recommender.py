"""A trained run put to use: the next items of people by id, or of any history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from contrast.engine.placement import move
from contrast.errors import ConfigError, DataError
from contrast_mclrec.log import Log, nearest
from contrast_mclrec.rows import Rows
from contrast_mclrec.sampler import Batch

CHUNK = 256  # histories at a time


@dataclass(frozen=True)
class Suggestion:
    """An item, its title (its id where none is known), and its score; higher is better."""

    item: str
    title: str
    score: float


class Recommender:
    """Ranks all items of a log for a history.

    Scores are inner products of the history's state with the items' embeddings: they order items
    and mean nothing between people.
    """

    def __init__(self, encoder: nn.Module, log: Log, max_length: int) -> None:
        self.encoder, self.log, self.max_length = encoder.eval(), log, max_length
        known = int(encoder.catalogue)
        if known and known != log.fingerprint:
            raise DataError(
                "the items of the data are not those that the run was trained on: the file has "
                "changed since. Train again, or bring the old file back."
            )

    @classmethod
    def load(cls, run: Path | str) -> Recommender:
        """The recommender of a finished run of this plugin.

        Raises: ContrastError: no such run, a run of another plugin, or data that have changed.
        """
        import contrast

        parts = contrast.load(run)
        if not isinstance(parts.data, Log):
            raise ConfigError(f"{run} is no run of the plugin `mclrec` with its data")
        return cls(parts.encoder, parts.data, parts.sampler.max_length)

    def recommend(
        self, histories: Sequence[Sequence[str]], k: int = 10, *, exclude_seen: bool = True
    ) -> list[list[Suggestion]]:
        """The k best items after each history of item ids, oldest first.

        Unlike in evaluation, items of the history are left out unless `exclude_seen=False`.
        Raises: DataError: an unknown item, or an empty history;  ConfigError: k < 1.
        """
        _check_number(k)
        numbers = [self.numbers(history) for history in histories]
        found = []
        for begin in range(0, len(numbers), CHUNK):
            found += self._best(numbers[begin : begin + CHUNK], k, exclude_seen)
        return found

    def recommend_user(
        self, user: str, k: int = 10, *, exclude_seen: bool = True
    ) -> list[Suggestion]:
        """The k best next items of somebody in the log."""
        history = [self.log.item_ids[item - 1] for item in self.log.history(user)]
        return self.recommend([history], k, exclude_seen=exclude_seen)[0]

    def similar(self, item: str, k: int = 10) -> list[Suggestion]:
        """The items nearest to one by cosine of their embeddings.

        Raises: DataError: an unknown item;  ConfigError: k < 1, or a model without a table.
        """
        _check_number(k)
        (number,) = self.numbers([item])
        table = normalize(self.item_table(), dim=1)
        score = table @ table[number - 1]
        score[number - 1] = -torch.inf
        return self._named(*score.topk(min(k, len(table) - 1)))

    @torch.no_grad()
    def embed(self, histories: Sequence[Sequence[str]]) -> np.ndarray:
        """The state of each history, (N, D): people in the space of the items.

        Raises: DataError: no history, an empty one, or an unknown item.
        """
        if not len(histories):
            raise DataError("no history is given; one at least is needed")
        numbers = [self.numbers(history) for history in histories]
        parts = [numbers[i : i + CHUNK] for i in range(0, len(numbers), CHUNK)]
        rows = [next(iter(self.encoder.embed(self._batch(part)).values())) for part in parts]
        return torch.cat(rows).float().cpu().numpy()

    def item_embeddings(self) -> tuple[list[str], np.ndarray]:
        """The ids of all items, and their embeddings (I, D)."""
        return self.log.item_ids, self.item_table().float().cpu().numpy()

    def item_table(self) -> Tensor:
        """The embeddings of all items, (I, D).

        Raises: ConfigError: a model of RecBole that keeps none.
        """
        table = getattr(self.encoder, "table", None)
        if table is None:
            raise ConfigError("this model keeps no table of item embeddings")
        return table[1:].detach()

    def numbers(self, history: Sequence[str]) -> np.ndarray:
        """The numbers of item ids.

        Raises: DataError: the history is empty or one text, or an id is not in training's log.
        """
        if isinstance(history, str):
            raise DataError(f"a history is a list of item ids, got the text '{history}'")
        if not len(history):
            raise DataError("a history needs at least one item")
        known = self.log.number_of_item
        for item in history:
            if str(item) not in known:
                near = nearest(str(item), known)
                raise DataError(f"no item `{item}` among the {len(known)} of this log{near}")
        return np.array([known[str(item)] for item in history], dtype=np.int64)

    @torch.no_grad()
    def _best(self, numbers: list[np.ndarray], k: int, exclude: bool) -> list[list[Suggestion]]:
        found, done = [], 0
        for strip in self.encoder.scores(self._batch(numbers)):
            strip = strip.clone()
            for row, history in zip(strip, numbers[done : done + len(strip)], strict=True):
                if exclude:
                    row[torch.from_numpy(history) - 1] = -torch.inf
            best = strip.topk(min(k, strip.shape[1]))
            found += [self._named(*row) for row in zip(best.values, best.indices, strict=True)]
            done += len(strip)
        return found

    def _batch(self, numbers: list[np.ndarray]) -> Batch:
        cut = [torch.from_numpy(history[-self.max_length :]) for history in numbers]
        lengths = torch.tensor([len(history) for history in cut])
        rows = Rows.of(nn.utils.rnn.pad_sequence(cut, batch_first=True), lengths)
        none = torch.zeros(len(cut), dtype=torch.long)
        first = next(self.encoder.parameters())
        return move(Batch(rows, none, none), first.device, first.dtype)

    def _named(self, scores: Tensor, places: Tensor) -> list[Suggestion]:
        pairs = zip(scores.tolist(), places.tolist(), strict=True)
        ids = self.log.item_ids
        return [
            Suggestion(ids[place], self.log.title(ids[place]), score)
            for score, place in pairs
            if score > -torch.inf
        ]


def _check_number(k: int) -> None:
    if k < 1:
        raise ConfigError(f"`k` must be >= 1, got {k}")
