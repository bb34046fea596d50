"""Sequences of different lengths, grouped within a batch so that little of it is padding.

    rows 0..R-1        groups (r, l)              encoder, group by group       rows 0..R-1
    x x x x x x        x x x x x x
    x                  x x x x x .       ─►       one state a row       ─►      by `place`
    x x x x x          x
    x x                x x

The batch is the one that was drawn: who is compared with whom does not depend on length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FULL = 0.7  # a group's shortest row, as a share of its longest
SHORT = 4  # rows up to this length make one group


@dataclass(frozen=True)
class Group:
    """Rows of similar length.

    Shapes:  items: (r, l) integer, 0 hidden or behind the end;  lengths: (r,) in 1..l.
    """

    items: Tensor
    lengths: Tensor


@dataclass(frozen=True)
class Rows:
    """R sequences in groups.

    Shapes:  place: (R,), where each row stands when the groups are put one after the other.
    """

    groups: tuple[Group, ...]
    place: Tensor

    @classmethod
    def of(cls, items: Tensor, lengths: Tensor, full: float = FULL) -> Rows:
        """The rows of items (R, L) with lengths (R,), grouped; `full=0` makes one group."""
        order = lengths.argsort(descending=True, stable=True)
        ordered = lengths[order].tolist()
        groups, begin = [], 0
        while begin < len(ordered):
            longest = ordered[begin]
            least = 1 if longest <= SHORT else max(full * longest, 1)
            end = begin + 1
            while end < len(ordered) and ordered[end] >= least:
                end += 1
            rows = order[begin:end]
            groups.append(Group(items[rows, :longest], lengths[rows]))
            begin = end
        return cls(tuple(groups), order.argsort())

    def __len__(self) -> int:
        """The number R of rows."""
        return len(self.place)

    def padded(self) -> tuple[Tensor, Tensor]:
        """Items (R, L) and lengths (R,) in the order of the rows, as `of` takes them."""
        longest = max(group.items.shape[1] for group in self.groups)
        items = [
            torch.nn.functional.pad(group.items, (0, longest - group.items.shape[1]))
            for group in self.groups
        ]
        lengths = torch.cat([group.lengths for group in self.groups])
        return torch.cat(items)[self.place], lengths[self.place]
