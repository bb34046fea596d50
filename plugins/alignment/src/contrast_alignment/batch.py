"""Prompts with their responses, padded into one batch: the two halves of a sequence apart.

The prompt stands once for all of its responses, so that it can be encoded once, and where its
padding ends the positions of the responses begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from contrast.forms import over

UNREAD = 0  # a token that stands where nothing is read


@dataclass(frozen=True)
class Item:
    """A prompt and its graded responses, as tokens.

    Of response k the tokens from `scored_from[k]` on are the model's own and are scored; those
    before belong to the prompt, where tokenisation differs between the responses.
    """

    id: int | str
    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]
    grades: tuple[float, ...]
    scored_from: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt) + max(map(len, self.responses), default=0)

    @property
    def worth_learning(self) -> bool:
        """Whether a response is good: the best of several, or one by itself above 1/2."""
        return len(self.grades) > 1 or (len(self.grades) == 1 and self.grades[0] > 0.5)

    def best(self) -> Item:
        """The prompt with its best response alone."""
        k = max(range(len(self.grades)), key=self.grades.__getitem__)
        start = self.scored_from[k : k + 1]
        return Item(self.id, self.prompt, (self.responses[k],), (self.grades[k],), start)


@dataclass(frozen=True)
class Batch:
    """B prompts with up to K responses each.

    `dense` says that no position is padding. `other` holds for each prompt another one, to which
    its responses do not belong.

    Shapes:  prompt: (B, P) integer;  prompt_length: (B,);  responses: (B, K, C) integer;
    exists, scored: (B, K, C) bool, a token, and one that the loss sees;  grades: (B, K);
    rows: (B,) place of each item;  reference: (B, K) known log-probabilities;
    other: (B, Q) integer;  other_length: (B,).
    """

    prompt: Tensor = over(0)
    prompt_length: Tensor = over(0)
    responses: Tensor = over(0)
    exists: Tensor = over(0)
    scored: Tensor = over(0)
    grades: Tensor = over(0)
    rows: Tensor = over(0)
    dense: bool = False
    reference: Tensor | None = over(0, default=None)
    other: Tensor | None = over(0, default=None)
    other_length: Tensor | None = over(0, default=None)


def collate(items: Sequence[Item], rows: Tensor | None = None) -> Batch:
    """Items as one batch, padded on the right of the prompts and of the responses."""
    alternatives = max(len(item.responses) for item in items)
    width = max((len(r) for item in items for r in item.responses), default=0)
    shape = (len(items), alternatives, width)
    responses = torch.full(shape, UNREAD)
    exists, scored = (torch.zeros(shape, dtype=torch.bool) for _ in range(2))
    grades = torch.zeros(shape[:2])
    for i, item in enumerate(items):
        for k, response in enumerate(item.responses):
            responses[i, k, : len(response)] = torch.tensor(response)
            exists[i, k, : len(response)] = True
            scored[i, k, (item.scored_from[k] if item.scored_from else 0) : len(response)] = True
        grades[i, : len(item.grades)] = torch.tensor(item.grades)
    prompt, lengths = pad([item.prompt for item in items])
    dense = bool(exists.all()) and bool((lengths == prompt.shape[1]).all())
    rows = torch.arange(len(items)) if rows is None else rows
    return Batch(prompt, lengths, responses, exists, scored, grades, rows, dense)


def pad(sequences: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Sequences as rows, padded on the right, and their lengths: (B, P) and (B,)."""
    from torch.nn.utils.rnn import pad_sequence

    rows = [torch.tensor(each, dtype=torch.long) for each in sequences]
    return pad_sequence(rows, True, UNREAD), torch.tensor([len(row) for row in rows])


def stacked(values: Sequence[Tensor]) -> Tensor:
    """Rows of unequal numbers of alternatives in one tensor, padded by zeros: (n, K) each."""
    width = max((each.shape[1] for each in values), default=0)
    padded = [torch.nn.functional.pad(each, (0, width - each.shape[1])) for each in values]
    return torch.cat(padded) if padded else torch.zeros(0, 0)


def no_longer(positions: int, lengths: Tensor) -> Tensor:
    """Which of the positions lie before the length.  (B, positions) bool."""
    return torch.arange(positions, device=lengths.device) < lengths[:, None]
