"""What a reward model is worth: how often it prefers what people prefer, here and elsewhere.

Whoever always takes the shorter response stands beside it: where people prefer short ones, a model
may have learnt nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from contrast.engine.placement import move
from contrast.forms import Lists
from contrast.interfaces import Evaluation, Parts, Table
from contrast_alignment.batch import stacked
from contrast_alignment.form import Rated
from contrast_alignment.objectives.compared import gaps, log_probs, mean_over_pairs, preferred
from contrast_alignment.records import Record
from contrast_alignment.reward_data import Judged, length_of


@torch.no_grad()
def margin_and_accuracy(form: Rated) -> dict[str, Tensor]:
    """Means over the pairs of a batch."""
    lists = form.judged()
    gap = gaps(log_probs(lists))
    return {
        "margin": mean_over_pairs(gap, preferred(lists), "mean"),
        "accuracy": right(lists).mean(),
    }


def right(lists: Lists) -> Tensor:
    """The share of each list's pairs that the scores order as the grades; equal ones count half.

    Shapes:  returns (lists that have a pair,).
    """
    pairs = preferred(lists)
    gap = gaps(log_probs(lists))
    each = mean_over_pairs((gap > 0).to(gap.dtype) + 0.5 * (gap == 0), pairs, "none")
    return each[pairs.any(2).any(1)]


def evaluate_reward(parts: Parts) -> Evaluation:
    """Accuracy on what is held out and elsewhere, beside the shorter response."""
    data: Judged = parts.data
    valid, other = data.texts.records.valid, data.texts.elsewhere
    metrics: dict[str, float | None] = {}
    notes = list(data.task.notes)
    tables: tuple[Table, ...] = ()
    if valid:
        metrics |= summary(rated(parts, "valid"), valid, "")
    else:
        notes.append("nothing is held out: accuracy there is not known")
    if other is not None:
        found = rated(parts, "elsewhere")
        metrics |= summary(found, other.records.train, "elsewhere/")
        if any(other.subsets):
            tables = (by_subset(found, other.records.train, other.subsets, other.name),)
    return Evaluation(metrics, tables, notes=tuple(notes))


def summary(lists: Lists, records: Sequence[Record], where: str) -> dict[str, float | None]:
    """Accuracy, margin, and how much of it is a matter of length; None where all are as long."""
    gap, pairs = gaps(log_probs(lists)), preferred(lists)
    short = Lists(shortness(records), targets=lists.targets, mask=lists.mask)
    ordered = Lists(lists.scores, targets=short.scores, mask=lists.mask)
    uneven = bool(preferred(ordered).any())
    return {
        f"{where}accuracy": float(right(lists).mean()),
        f"{where}margin": float(mean_over_pairs(gap, pairs, "mean")),
        f"{where}accuracy_of_the_shorter": float(right(short).mean()),
        f"{where}prefers_the_shorter": float(right(ordered).mean()) if uneven else None,
    }


def by_subset(lists: Lists, records: Sequence[Record], subsets: Sequence[str], name: str) -> Table:
    """Accuracy in each part of the records."""
    shorter = right(Lists(shortness(records), targets=lists.targets, mask=lists.mask))
    found, rows = right(lists), []
    for subset in dict.fromkeys(subsets):
        of_it = torch.tensor([each == subset for each in subsets])
        rows.append(
            (subset, int(of_it.sum()), float(found[of_it].mean()), float(shorter[of_it].mean()))
        )
    return Table(f"Accuracy on {name}", ("subset", "records", "model", "the shorter"), tuple(rows))


def shortness(records: Sequence[Record]) -> Tensor:
    """Minus the characters of every response, 0 where none is.  (N, K)."""
    width = max(len(record.responses) for record in records)
    found = torch.zeros(len(records), width)
    for row, record in zip(found, records, strict=True):
        row[: len(record.responses)] = -torch.tensor(
            [float(length_of(y)) for y in record.responses]
        )
    return found


def rated(parts: Parts, split: str) -> Lists:
    """The rewards of a part of the records.  Scores (N, K)."""
    first = next(parts.encoder.parameters())
    forms = [
        parts.encoder(move(batch, first.device, first.dtype))
        for batch in parts.sampler.sweep(split)
    ]

    def joined(name: str) -> Tensor:
        return stacked([getattr(form, name).cpu() for form in forms])

    return Lists(joined("scores"), targets=joined("targets"), mask=joined("mask"))
