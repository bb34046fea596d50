"""Records of what people prefer, as they are usually kept: JSON lines, JSON or Parquet.

    prompt, chosen, rejected        pair       without `prompt`: what both begin with is the prompt
    prompt, responses, scores       list       or `completions`; or `ranks`, of which 1 is the best
    prompt, completion, label       unpaired   desirable or not
    prompt                          group      the model answers, a rule grades

Each of them is a text or chat messages ({role, content}); `id` may name a record, other columns
are left alone. The columns of the first record say which kind a file holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contrast.errors import DataError, did_you_mean, listing
from contrast_alignment.rows import Row, shortened
from contrast_alignment.tokens import Messages

Kind = Literal["pair", "list", "unpaired", "group"]
Turns = str | Messages

ANSWERS = ("responses", "completions")
GRADES = ("scores", "ranks")
TURN, OTHER = "\n\nAssistant:", "\n\nHuman:"  # of dialogues in one text


@dataclass(frozen=True)
class Record:
    """A prompt with its responses and their grades, the larger the better."""

    id: str
    prompt: Turns
    responses: tuple[Turns, ...] = ()
    grades: tuple[float, ...] = ()


def kind_of(rows: Sequence[Row]) -> Kind:
    """The kind of the records, by the columns of the first one.

    Raises: DataError: they are those of none.
    """
    place, first = rows[0]
    known = [name for name, value in first.items() if value is not None]
    if "chosen" in known or "rejected" in known:
        return "pair"
    if any(name in known for name in ANSWERS):
        return "list"
    if "completion" in known:
        return "unpaired"
    if "prompt" in known:
        return "group"
    named = ("prompt", "chosen", "rejected", *ANSWERS, "completion")
    near = next(filter(None, (did_you_mean(name, named) for name in known)), "")
    raise DataError(
        f"{place} has the columns {listing(known)}{near}\n"
        "Expected: prompt, chosen, rejected; prompt, responses, scores (or ranks); prompt, "
        "completion, label; or prompt alone."
    )


def parsed(rows: Sequence[Row], kind: Kind) -> list[Record]:
    """The rows as records.

    Raises: DataError: a field is missing or of another kind, or an id stands twice.
    """
    seen: dict[str, str] = {}
    records = []
    for number, (place, row) in enumerate(rows):
        name = name_of(number, row)
        if name in seen:
            raise DataError(
                f"{place}: the id `{name}` stands also in {seen[name]}; ids must differ"
            )
        seen[name] = place
        records.append(Record(name, *PARSERS[kind](Fields(place, kind, row))))
    return records


def name_of(number: int, row: Mapping[str, Any]) -> str:
    """The record's own id, or else its number from 0."""
    return str(number if row.get("id") is None else row["id"])


@dataclass(frozen=True)
class Fields:
    """The fields of one record, each asked for by the kind that it must have."""

    place: str
    kind: Kind
    row: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether the field is given."""
        return self.row.get(name) is not None

    def one_of(self, names: Sequence[str]) -> str:
        """The first of these names that is given.  Raises: DataError: none is."""
        found = next(filter(self.has, names), None)
        if found is None:
            raise DataError(
                f"{self.place} has no field `{names[0]}`{did_you_mean(names[0], self.row)}: "
                f"by the first record's columns the file holds records of kind `{self.kind}`"
            )
        return found

    def value(self, name: str) -> Any:
        """The field as it stands.  Raises: DataError: it is missing."""
        return self.row[self.one_of([name])]

    def turns(self, name: str) -> Turns:
        """A text or chat messages.  Raises: DataError: it is neither."""
        return as_turns(self.value(name), f"{self.place}, `{name}`")

    def items(self, names: Sequence[str]) -> list[Any]:
        """A list.  Raises: DataError: it is none."""
        name = self.one_of(names)
        if not isinstance(self.row[name], list):
            raise DataError(
                f"{self.place}, `{name}`: expected a list, got {shortened(self.row[name])}"
            )
        return self.row[name]


def as_turns(value: Any, place: str) -> Turns:
    """A text, or messages that have a role and a content of text.

    Raises: DataError: it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(map(_is_message, value)):
        return [{"role": each["role"], "content": each["content"]} for each in value]
    raise DataError(
        f"{place}: expected a text, or a list of messages with `role` and `content` of text, "
        f"got {shortened(value)}"
    )


def common_beginning(first: Turns, second: Turns) -> tuple[Turns, Turns, Turns]:
    """What two conversations begin with, and how each goes on.

    Messages are shared as a whole. Of texts it is what stands up to the last shared
    "Assistant:" of a dialogue, else up to a blank between words.
    """
    if isinstance(first, str) != isinstance(second, str):
        return "", first, second
    same = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    if isinstance(first, str):
        turn = first.rfind(TURN, 0, same)
        blank = max(first.rfind(space, 0, same) for space in " \n")
        same = turn + len(TURN) if turn >= 0 else max(blank, 0)
    return first[:same], first[same:], second[same:]


def goes_on(response: Turns) -> bool:
    """Whether a response holds a turn of the other side as well."""
    if isinstance(response, str):
        return OTHER in response
    return any(each["role"] == "user" for each in response)


def is_empty(turns: Turns) -> bool:
    """Whether nothing is said."""
    texts = [turns] if isinstance(turns, str) else [each["content"] for each in turns]
    return not any(text.strip() for text in texts)


def _pair(fields: Fields) -> tuple[Turns, tuple[Turns, ...], tuple[float, ...]]:
    chosen, rejected = fields.turns("chosen"), fields.turns("rejected")
    if fields.has("prompt"):
        return fields.turns("prompt"), (chosen, rejected), (1.0, 0.0)
    prompt, *rest = common_beginning(chosen, rejected)
    return prompt, tuple(rest), (1.0, 0.0)


def _list(fields: Fields) -> tuple[Turns, tuple[Turns, ...], tuple[float, ...]]:
    answers = [as_turns(each, f"{fields.place}, a response") for each in fields.items(ANSWERS)]
    by = fields.one_of(GRADES)
    grades = fields.items([by])
    if len(grades) != len(answers):
        raise DataError(f"{fields.place}: {len(answers)} responses and {len(grades)} {by}")
    numbers = [_number(each, f"{fields.place}, `{by}`") for each in grades]
    if by == "ranks":
        numbers = [(len(numbers) - rank) / max(len(numbers) - 1, 1) for rank in numbers]
    return fields.turns("prompt"), tuple(answers), tuple(numbers)


def _unpaired(fields: Fields) -> tuple[Turns, tuple[Turns, ...], tuple[float, ...]]:
    label = fields.value("label")
    if label not in (0, 1):
        raise DataError(f"{fields.place}, `label`: expected true or false, got {shortened(label)}")
    return fields.turns("prompt"), (fields.turns("completion"),), (float(label),)


def _group(fields: Fields) -> tuple[Turns]:
    return (fields.turns("prompt"),)


PARSERS: dict[Kind, Callable[[Fields], Any]] = {
    "pair": _pair,
    "list": _list,
    "unpaired": _unpaired,
    "group": _group,
}


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), str) for name in ("role", "content")
    )


def _number(value: Any, place: str) -> float:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise DataError(f"{place}: expected finite numbers, got {shortened(value)}")
