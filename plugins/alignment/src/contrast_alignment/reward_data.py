"""What a reward model learns from: records, votes on their labels, responses of a policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Generator

from contrast.errors import ConfigError, DataError, listing
from contrast_alignment.batch import Item
from contrast_alignment.preferences import Preferences, Side, Window, from_rows, tokenized
from contrast_alignment.published import dialogues
from contrast_alignment.records import Record, Turns, as_turns, kind_of, name_of
from contrast_alignment.rows import Row, json_lines, read_rows
from contrast_alignment.task import Task
from contrast_alignment.tokens import opening

TRAINED_ON = 1336  # lines of hh_harmless, from the first; the others are held out


@dataclass(frozen=True)
class Elsewhere:
    """Records of another kind, and the part of them that each belongs to."""

    name: str
    records: Preferences
    subsets: tuple[str, ...]


@dataclass(frozen=True)
class Judgements:
    """Records to train and to validate on, as texts, and what else was given.

    `strength` holds for each training record the voters' mean reward of its responses.
    """

    records: Preferences
    strength: tuple[tuple[float, ...], ...] | None = None
    drawn: tuple[Record, ...] = ()
    elsewhere: Elsewhere | None = None

    def tokenized(self, tokenizer: Any) -> Judged:
        """Every record as tokens in the window."""
        window = self.records.window
        drawn = [tokenized(record, tokenizer, window)[0] for record in self.drawn]
        other = self.elsewhere and self.elsewhere.records.tokenized(tokenizer).train
        return Judged(self, self.records.tokenized(tokenizer), tuple(drawn), other or ())


@dataclass(frozen=True)
class Judged:
    """The records with their tokens, in the same order."""

    texts: Judgements
    task: Task
    drawn: tuple[Item, ...]
    elsewhere: tuple[Item, ...]


def own_records(
    generator: Generator,
    *,
    path: str,
    valid_share: float,
    max_tokens: int,
    max_prompt_tokens: int,
    prompt_side: Side,
    votes: str = "",
    drawn: str = "",
    elsewhere: str = "",
) -> Judgements:
    """The pairs or lists of the user's file.

    Raises: ConfigError: no file is named; DataError: it holds records of another kind, or the
    other files do not fit.
    """
    if not path:
        raise ConfigError("`data.path` names no file: give records as JSON lines, JSON or Parquet")
    rows, notes = read_rows(path)
    window = Window(max_tokens, max_prompt_tokens, prompt_side)
    records = compared(rows, path, generator, window, valid_share, notes)
    return with_more(records, votes, drawn, elsewhere, generator)


def hh_harmless(
    generator: Generator,
    *,
    max_tokens: int,
    max_prompt_tokens: int,
    prompt_side: Side,
    votes: str = "",
    drawn: str = "",
    elsewhere: str = "",
) -> Judgements:
    """The published dialogues: lines 0 to 1335 to train on, 1336 to 1668 held out.

    Raises: DataError: see `contrast_alignment.published`; the other files do not fit.
    """
    rows, _ = json_lines(dialogues(), "hh_harmless")
    window = Window(max_tokens, max_prompt_tokens, prompt_side)
    parts = [
        compared(some, name, generator, window, 0.0)
        for some, name in (
            (rows[:TRAINED_ON], "hh_harmless, training part"),
            (rows[TRAINED_ON:], "hh_harmless, held-out part"),
        )
    ]
    known = {json.dumps(record.prompt) for record in parts[0].train}
    again = sum(json.dumps(record.prompt) in known for record in parts[1].train)
    notes = (
        f"hh_harmless: lines 0 to {TRAINED_ON - 1} to train on, the other {len(parts[1].train)} "
        f"held out; {again} of these have a prompt of the first part.",
    )
    records = replace(parts[0], valid=parts[1].train, notes=notes)
    return with_more(records, votes, drawn, elsewhere, generator)


def compared(
    rows: Sequence[Row],
    name: str,
    generator: Generator,
    window: Window,
    valid_share: float,
    notes: tuple[str, ...] = (),
) -> Preferences:
    """Rows as pairs or lists.  Raises: DataError: they are of another kind, or of no use."""
    kind = kind_of(rows)
    if kind not in ("pair", "list"):
        raise DataError(
            f"{name} holds records of kind `{kind}`, and a reward model compares responses to one "
            "prompt\nExpected: prompt, chosen, rejected; or prompt, responses, scores (or ranks)."
        )
    return from_rows(
        rows,
        name,
        generator,
        valid_share=valid_share,
        max_tokens=window.tokens,
        max_prompt_tokens=window.prompt_tokens,
        prompt_side=window.prompt_side,
        response_tokens=1,
        responses=2,
        temperature=1.0,
        reward="",
        notes=notes,
    )


def with_more(
    records: Preferences, votes: str, drawn: str, elsewhere: str, generator: Generator
) -> Judgements:
    """The records with the votes, the policy's responses and the records of another kind."""
    other = None
    if elsewhere:
        rows, _ = read_rows(elsewhere)
        found = compared(rows, elsewhere, generator, records.window, 0.0)
        subsets = {name_of(i, row): str(row.get("subset") or "") for i, (_, row) in enumerate(rows)}
        names = tuple(subsets[record.id] for record in found.train)
        other = Elsewhere(Path(elsewhere).stem, found, names)
    return Judgements(
        records,
        read_votes(votes, records.train) if votes else None,
        read_drawn(drawn) if drawn else (),
        other,
    )


def read_drawn(path: str) -> tuple[Record, ...]:
    """Two or more responses of a policy to each prompt, which nobody graded.

    Raises: DataError: a record has no prompt, or fewer than two responses.
    """
    found = []
    for place, row in read_rows(path)[0]:
        answers = row.get("responses")
        if not isinstance(answers, list) or len(answers) < 2 or row.get("prompt") is None:
            raise DataError(
                f"{place}: expected `prompt` and `responses`, a list of two or more, got the "
                f"columns {listing(row)}"
            )
        turns = tuple(as_turns(each, f"{place}, a response") for each in answers)
        prompt = as_turns(row["prompt"], f"{place}, `prompt`")
        found.append(Record(place, prompt, turns, (0.0,) * len(turns)))
    return tuple(found)


def fingerprint(record: Record) -> str:
    """What a record says, as 16 hexadecimal digits."""
    said: list[Turns] = [record.prompt, *record.responses]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def read_votes(path: str, records: Sequence[Record]) -> tuple[tuple[float, ...], ...]:
    """The voters' mean reward of every response of every record.

    Raises: DataError: a line is none of `votes.jsonl`, or a record has no votes.
    """
    known: dict[str, tuple[float, ...]] = {}
    for place, row in read_rows(path)[0]:
        if not isinstance(row.get("strength"), list) or not isinstance(row.get("said"), str):
            raise DataError(
                f"{place} is no vote: expected `said` and `strength`, as in the votes.jsonl of "
                "`contrast run plugin=alignment method=votes`"
            )
        known[row["said"]] = tuple(float(each) for each in row["strength"])
    keys = [fingerprint(record) for record in records]
    missing = [record.id for record, key in zip(records, keys, strict=True) if key not in known]
    if missing:
        raise DataError(
            f"{path} has no votes on {len(missing)} of {len(records)} training records, such as "
            f"`{missing[0]}`\nIt is of other records, or of another `seed` or `data.valid_share`."
        )
    return tuple(known[key] for key in keys)


def length_of(turns: Turns) -> int:
    """Characters of a response."""
    return len(turns) if isinstance(turns, str) else sum(len(each["content"]) for each in turns)


def prompt_tokens(record: Record, tokenizer: Any, window: Window) -> tuple[int, ...]:
    """The tokens of a prompt alone, cut to the window."""
    ids = opening(tokenizer, record.prompt)
    kept = ids[-window.prompt_tokens :] if window.prompt_side == "left" else ids
    return tuple(kept[: window.prompt_tokens])
