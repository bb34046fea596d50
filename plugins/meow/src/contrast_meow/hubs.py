"""Hubs: whom the largest set of targets that PathSim cannot tell apart keeps, by class.

Where more targets have one and the same way out than the cut keeps columns, ties decide who is
heard. If the hubs are of one class alone, the messages give that class away (`cut.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from contrast.interfaces import Reference, Table
from contrast_meow.cut import distinct_rows


@dataclass(frozen=True)
class Official:
    """Figures of the official code, and the hubs by class of the run that they come from."""

    hubs: tuple[int, ...]
    references: tuple[Reference, ...]


@dataclass(frozen=True)
class Hubs:
    """The targets alike along a path and the columns that they keep, both by class."""

    path: str
    alike: tuple[int, ...]
    kept: tuple[int, ...]


def find_hubs(
    path: str, half: sparse.csr_array, kept: sparse.csr_array, labels: np.ndarray
) -> Hubs | None:
    """The hubs of the largest set of targets alike; None where the cut keeps all of them.

    Shapes:  half: (N, M) the way out;  kept: (N, N) the graph after the cut;  labels: (N,),
    negative where unknown.
    """
    member = distinct_rows(half)[1]
    linked = member[np.diff(half.indptr) > 0]
    if not len(linked):
        return None
    alike = np.flatnonzero(member == np.bincount(linked).argmax())
    rows = kept[alike]
    if np.diff(rows.indptr).max() >= len(alike):
        return None
    return Hubs(path, by_class(labels, alike), by_class(labels, np.unique(rows.indices)))


def by_class(labels: np.ndarray, nodes: np.ndarray) -> tuple[int, ...]:
    """How many of the nodes are of each class that there is, by rising label."""
    classes, known = np.unique(labels[labels >= 0]), labels[nodes]
    place = np.searchsorted(classes, known[known >= 0])
    return tuple(np.bincount(place, minlength=len(classes)).tolist())


def hubs_table(found: list[Hubs]) -> Table:
    """What ties decided along each path."""
    rows = tuple((each.path, words(each.alike), words(each.kept)) for each in found)
    return Table(
        "Ties in the cut",
        ("meta-path", "targets alike, by class", "of whom they hear, by class"),
        rows,
        "The largest set of targets with equal PathSim to each other; where the second shares "
        "differ much from the first, the order among equals leaks the labels.",
    )


def comparability(found: Hubs | None, official: Official, rule: str) -> str:
    """Whether a run may be laid beside the official figures, in a sentence; None: no hubs."""
    there = words(official.hubs)
    if found is None:
        return (
            "Not comparable with the official figures: nothing is cut among equals here, theirs "
            f"keeps hubs by class {there}, which nearly gives the class away."
        )
    here = words(found.kept)
    if found.kept == official.hubs:
        return f"Comparable with the official figures: ties as there, hubs by class {here}."
    return (
        f"Not comparable with the official figures: ties `{rule}` keep hubs by class {here}, "
        f"theirs {there}, which nearly gives the class away."
    )


def words(counts: tuple[int, ...]) -> str:
    """The counts as 693 / 1 / 6."""
    return " / ".join(map(str, counts))
