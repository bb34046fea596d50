"""People's answers as they are kept: one line a click, appended, in two CSV files.

    first,second,third,odd,annotator,time       which of the three is unlike the others, or skip
    first,second,preferred,annotator,time       which of the two is better, equal, or skip

`annotator` and `time` may be missing. A last line that was cut off, as a crash leaves it, is left
out; any other line must be whole.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from contrast.data.files import require_file
from contrast.errors import DataError, did_you_mean
from contrast_sirl.trajectories import Answers, Preferences

QUESTION = ("first", "second", "third", "odd")
PAIR = ("first", "second", "preferred")
PEOPLE = ("annotator", "time")
SKIP, EQUAL = "skip", "equal"

Line = tuple[int, dict[str, str]]


def read_answers(path: Path | str, row_of: Mapping[str, int]) -> tuple[Answers, list[str]]:
    """The answered questions of a file, and what is to be said of it.

    Of a question that was answered in different ways the majority counts; where there is none,
    the question is left out.
    Raises: DataError: no such file, a line that is broken, or an id that is unknown.
    """
    lines, notes = read_lines(path, QUESTION)
    given: dict[tuple[int, ...], list[tuple[int, str]]] = defaultdict(list)
    skipped = 0
    for number, line in lines:
        shown = _rows(path, number, line, QUESTION[:3], row_of)
        if line["odd"] == SKIP:
            skipped += 1
            continue
        (odd,) = _rows(path, number, line, ("odd",), row_of)
        if odd not in shown:
            raise DataError(f"{path}, line {number}: `{line['odd']}` is none of the three shown")
        given[tuple(sorted(shown))].append((odd, line.get("annotator", "")))
    if skipped:
        notes.append(f"{skipped} questions were skipped.")
    triples, annotators = _decided(given, notes)
    return Answers(torch.tensor(triples, dtype=torch.long).reshape(-1, 3), tuple(annotators)), notes


def read_preferences(path: Path | str, row_of: Mapping[str, int]) -> tuple[Preferences, list[str]]:
    """The answered pairs of a file, and what is to be said of it.

    Raises: DataError: no such file, a line that is broken, or an id that is unknown.
    """
    lines, notes = read_lines(path, PAIR)
    pairs, second = [], []
    for number, line in lines:
        shown = _rows(path, number, line, PAIR[:2], row_of)
        chosen = line["preferred"]
        if chosen == SKIP:
            continue
        if chosen != EQUAL and chosen not in (line["first"], line["second"]):
            raise DataError(
                f"{path}, line {number}: `{chosen}` is none of the two shown, nor `{EQUAL}`"
            )
        pairs.append(shown)
        second.append(0.5 if chosen == EQUAL else float(chosen == line["second"]))
    _count_contradictions(pairs, second, notes)
    return (
        Preferences(torch.tensor(pairs, dtype=torch.long).reshape(-1, 2), torch.tensor(second)),
        notes,
    )


def read_lines(path: Path | str, columns: Sequence[str]) -> tuple[list[Line], list[str]]:
    """The lines of a file by column, numbered as an editor does; and notes.

    Raises: DataError: no such file, a column is missing, or a line is broken.
    """
    path = Path(path)
    require_file(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from None
    rows = list(csv.reader(text.splitlines()))
    head = [name.strip() for name in rows[0]] if rows else []
    for column in columns:
        if column not in head:
            raise DataError(
                f"{path} has no column `{column}`{did_you_mean(column, head)}\n"
                f"Its first line must be {','.join((*columns, *PEOPLE))}"
            )
    return _whole(path, rows, head, cut_off=not text.endswith("\n"))


def _whole(
    path: Path, rows: list[list[str]], head: list[str], *, cut_off: bool
) -> tuple[list[Line], list[str]]:
    lines: list[Line] = []
    notes: list[str] = []
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        if len(row) == len(head):
            lines.append((number, {k: v.strip() for k, v in zip(head, row, strict=True)}))
        elif number == len(rows) and cut_off and len(row) < len(head):
            notes.append(f"The last line of {path.name} was cut off and is left out.")
        else:
            raise DataError(
                f"{path}, line {number}: {len(row)} fields, expected {len(head)}: {','.join(head)}"
            )
    return lines, notes


def _rows(
    path: Path | str,
    number: int,
    line: dict[str, str],
    columns: Sequence[str],
    row_of: Mapping[str, int],
) -> list[int]:
    """The rows of the trajectories that a line names."""
    for column in columns:
        if line[column] not in row_of:
            near = did_you_mean(line[column], row_of)
            raise DataError(f"{path}, line {number}: no trajectory `{line[column]}`{near}")
    found = [row_of[line[column]] for column in columns]
    if len(set(found)) < len(found):
        raise DataError(f"{path}, line {number}: a trajectory stands beside itself")
    return found


def _decided(
    given: Mapping[tuple[int, ...], list[tuple[int, str]]], notes: list[str]
) -> tuple[list[list[int]], list[str]]:
    triples, annotators, contradictory, undecided = [], [], 0, 0
    for shown, answers in given.items():
        counts = Counter(odd for odd, _ in answers).most_common()
        contradictory += len(counts) > 1
        if len(counts) > 1 and counts[0][1] == counts[1][1]:
            undecided += 1
            continue
        for odd, annotator in answers:
            if odd == counts[0][0]:
                triples.append([*(row for row in shown if row != odd), odd])
                annotators.append(annotator)
    if contradictory:
        notes.append(
            f"{contradictory} questions have contradictory answers: the majority counts; "
            f"{undecided} without a majority are left out."
        )
    return triples, annotators


def _count_contradictions(pairs: list[list[int]], second: list[float], notes: list[str]) -> None:
    """Contradictory preferences stay: Bradley-Terry weighs them against each other."""
    better = {
        (a, b) if y == 0 else (b, a) for (a, b), y in zip(pairs, second, strict=True) if y != 0.5
    }
    count = sum((b, a) in better for a, b in better) // 2
    if count:
        notes.append(f"{count} pairs were preferred both ways; both count.")
