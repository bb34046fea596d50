"""Pairs of texts: as numbers of hashed words and parts of words, and a network over them.

Hashing needs no vocabulary, so that any new text can be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cosine_similarity, embedding_bag

from contrast_supremix.network import Members

TERMS = 8192  # numbers that terms are hashed to; 0 stands for nothing
DIM = 64  # of a term's vector
MOST = 512  # terms of a text that are looked at
TERM = re.compile(r"\w+|[^\w\s]")


def terms(text: str) -> list[int]:
    """Numbers 1..TERMS - 1 of a text's words, punctuation, and threes of letters of its words."""
    words = TERM.findall(text.lower())
    parts = [f" {word} "[i : i + 3] for word in words if len(word) > 1 for i in range(len(word))]
    return [crc32(each.encode()) % (TERMS - 1) + 1 for each in (*words, *parts)][:MOST]


def numbered(first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """N pairs as numbers of terms, (N, 2, L) int64, 0 behind the end of a text."""
    found = [[terms(text) for text in pair] for pair in zip(first, second, strict=True)]
    longest = max(len(each) for pair in found for each in pair)
    rows = np.zeros((len(found), 2, max(longest, 1)), np.int64)
    for row, pair in zip(rows, found, strict=True):
        for side, each in zip(row, pair, strict=True):
            side[: len(each)] = each
    return rows


def overlaps(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """What can be counted of pairs, (N, 6): shared terms over all, cosines of counts without and
    with weight (rare among the training rows counts more), and both lengths and their difference.

    Shapes:  x: (N, 2, L);  train: rows.
    """
    seen = np.zeros(TERMS)
    for row in x[train]:
        seen[np.unique(row)] += 1
    weight = np.log((1 + len(train)) / (1 + seen)) ** 2
    return np.array([_overlap(first, second, weight) for first, second in x])


def _overlap(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> list[float]:
    counts = [np.bincount(each, minlength=TERMS) for each in (first, second)]
    for each in counts:
        each[0] = 0
    a, b = counts
    lengths = a.sum(), b.sum()
    shared = np.minimum(a, b).sum() / max(np.maximum(a, b).sum(), 1)
    cosines = []
    for w in (1.0, weight):
        norms = np.sqrt((w * a * a).sum() * (w * b * b).sum())
        cosines.append((w * a * b).sum() / norms if norms > 0 else 0.0)
    return [shared, *cosines, *lengths, abs(lengths[0] - lengths[1])]


class Worded(nn.Module):
    """S networks over pairs of texts: the mean vector of a text's terms, how both differ and
    agree, and a layer.

    Shapes:  forward: (S, B, 2, L) int64 to (S, B, width).
    """

    def __init__(self, width: int, generators: Sequence[Generator]) -> None:
        super().__init__()
        vectors = [torch.randn(TERMS, DIM, generator=g) for g in generators]
        self.vectors = nn.Parameter(torch.stack(vectors))
        self.last = Members([2 * DIM + 1, width, width], generators, active=True)

    def forward(self, x: Tensor) -> Tensor:
        """All members, each on its own pairs."""
        members, count = x.shape[:2]
        there = x > 0
        place = x + TERMS * torch.arange(members, device=x.device)[:, None, None, None]
        lengths = there.sum(-1).flatten()
        bags = embedding_bag(
            place[there], self.vectors.flatten(0, 1), lengths.cumsum(0) - lengths, mode="mean"
        )
        u, v = bags.view(members, count, 2, DIM).unbind(2)
        alike = cosine_similarity(u, v, dim=-1)[..., None]
        return self.last(torch.cat([(u - v).abs(), u * v, alike], -1))
