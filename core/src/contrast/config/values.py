"""Right-hand sides, read by the type of the field they are for, so that text stays text.

`007` is a text for a `str` field and a number for an `int` field; `a,b` is a list for a tuple
field and a text for a `str` field. Supported types: str, int, float, bool, Literal, `X | None`
and `tuple[X, ...]` of those.
"""

from __future__ import annotations

import csv
import io
from decimal import Decimal, InvalidOperation
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
NOTHING = ("", "null", "none", "~")
WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def read(text: Any, kind: Any) -> Any:
    """The value of type `kind` that a text (or a YAML list of texts) stands for.

    Raises: ValueError: it stands for none; the message says what was expected.
    """
    optional, inner = split_optional(kind)
    if optional and isinstance(text, str) and text.strip().lower() in NOTHING:
        return None
    try:
        if get_origin(inner) is tuple:
            return tuple(_read_scalar(item, get_args(inner)[0]) for item in _items(text))
        return _read_scalar(text, inner)
    except (ValueError, KeyError, csv.Error):
        raise ValueError(describe(kind)) from None


def check(value: Any, kind: Any) -> Any:
    """A value that has a type already (of a preset, of config.json) as one of type `kind`.

    Raises: ValueError: it is of another type.
    """
    optional, inner = split_optional(kind)
    if optional and value is None:
        return None
    if get_origin(inner) is tuple and isinstance(value, (list, tuple)):
        return tuple(check(item, get_args(inner)[0]) for item in value)
    if inner is float and type(value) is int:
        return float(value)
    if value in get_args(inner) if get_origin(inner) is Literal else type(value) is inner:
        return value
    raise ValueError(describe(kind))


def write(value: Any) -> str:
    """The text that reads back as the value."""
    if isinstance(value, (list, tuple)):
        row = io.StringIO()
        csv.writer(row, lineterminator="").writerow([write(item) for item in value])
        return f"[{row.getvalue()}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe(kind: Any) -> str:
    """A type in words: `a whole number or null`, `a list of texts`, `one of a, b`."""
    optional, inner = split_optional(kind)
    if get_origin(inner) is Literal:
        words = "one of " + ", ".join(map(str, get_args(inner)))
    elif get_origin(inner) is tuple:
        words = "a list, each " + describe(get_args(inner)[0])
    else:
        words = WORDS[inner]
    return f"{words}, or null" if optional else words


def is_supported(kind: Any) -> bool:
    """Whether a field of this type can be read."""
    _, inner = split_optional(kind)
    if get_origin(inner) is tuple:
        item, *rest = get_args(inner)
        return rest == [...] and get_origin(item) is not tuple and is_supported(item)
    if get_origin(inner) is Literal:
        return all(isinstance(choice, (str, int)) for choice in get_args(inner))
    return inner in WORDS


def split_optional(kind: Any) -> tuple[bool, Any]:
    """Whether None is allowed, and the type without it."""
    if get_origin(kind) in (Union, UnionType):
        inner = [each for each in get_args(kind) if each is not NoneType]
        if len(inner) == 1 and len(get_args(kind)) == 2:
            return True, inner[0]
    return False, kind


def _items(text: Any) -> list[Any]:
    if isinstance(text, list):
        return text
    if not isinstance(text, str):
        raise ValueError("neither a list nor a text")
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].strip()
    items = next(csv.reader([text], skipinitialspace=True), []) if text else []
    if not all(map(str.strip, items)):
        raise ValueError("an empty place")
    return [item.strip() for item in items]


def _read_scalar(text: Any, kind: Any) -> Any:
    if not isinstance(text, str):
        raise ValueError("not a text")
    if kind is str:
        return text
    word = text.strip()
    if get_origin(kind) is Literal:
        return {str(choice): choice for choice in get_args(kind)}[word]
    if kind is bool:
        return BOOLEANS[word.lower()]
    return float(word) if kind is float else _read_integer(word)


def _read_integer(word: str) -> int:
    """`100_000` and `1e5`, but not `1.5`."""
    try:
        number = Decimal(word)
    except InvalidOperation:
        raise ValueError("not a number") from None
    # Above 1e18 no setting counts anything, and int(Decimal("1e999999")) would fill the memory.
    if not number.is_finite() or number.adjusted() > 18 or number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)
