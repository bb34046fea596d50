"""Right-hand sides, read by the type of their field."""

import contextlib
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrast.config.values import check, describe, is_supported, read, write

TEXTS = tuple[str, ...]
INTS = tuple[int, ...]


@pytest.mark.parametrize("text", ["007", "yes", "1e5", "null", "a,b", "[a]", " x ", "", "1_000"])
def test_text_stays_text(text):
    assert read(text, str) == text


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("007", int, 7),
        ("100_000", int, 100_000),
        ("1e5", int, 100_000),
        ("-3", int, -3),
        ("1e5", float, 1e5),
        ("3", float, 3.0),
        ("Yes", bool, True),
        ("off", bool, False),
        ("1", bool, True),
        ("none", int | None, None),
        ("~", str | None, None),
        ("", float | None, None),
        ("5", int | None, 5),
        ("exact", Literal["fast", "exact"], "exact"),
        ("2", Literal[1, 2], 2),
        ("a,b", TEXTS, ("a", "b")),
        ("[a, b]", TEXTS, ("a", "b")),
        ('["a,b",c]', TEXTS, ("a,b", "c")),
        ("007", TEXTS, ("007",)),
        ("1,2e2", INTS, (1, 200)),
        ("[]", INTS, ()),
        ("", INTS, ()),
        ("null", INTS | None, None),
        (["1", "2"], INTS, (1, 2)),
        ("0.1,1", tuple[float, ...], (0.1, 1.0)),
    ],
)
def test_a_right_hand_side_is_read_by_the_type_of_its_field(text, kind, value):
    found = read(text, kind)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("1.5", int, "a whole number"),
        ("1e999999999", int, "a whole number"),
        ("nan", int, "a whole number"),
        ("ten", float, "a number"),
        ("maybe", bool, "true or false"),
        ("slow", Literal["fast", "exact"], "one of fast, exact"),
        ("1,x", INTS, "a list, each a whole number"),
        ("1,,2", INTS, "a list, each a whole number"),
        (["a"], str, "a text"),
        ({"a": "b"}, INTS, "a list, each a whole number"),
        ("x", float | None, "a number, or null"),
    ],
)
def test_what_was_expected_is_said_of_a_text_that_cannot_be_read(text, kind, expected):
    with pytest.raises(ValueError, match=expected):
        read(text, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, int), (1, bool), (1.0, int), (1, str), ("1", int), (None, str), ("x", INTS)],
)
def test_a_value_of_another_type_is_refused(value, kind):
    with pytest.raises(ValueError, match=describe(kind)):
        check(value, kind)


def test_a_whole_number_serves_as_a_number_and_a_list_as_a_tuple():
    assert type(check(1, float)) is float
    assert check([1, 2], INTS) == (1, 2)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"])).map(str.strip).filter(bool)


@given(st.tuples(words, words) | st.tuples(words))
def test_a_written_list_of_texts_reads_back(value):
    assert read(write(value), TEXTS) == value


@given(st.floats(allow_nan=False) | st.integers(-(10**17), 10**17) | st.booleans())
def test_a_written_scalar_reads_back(value):
    assert read(write(value), type(value)) == value


@given(st.text(max_size=20))
def test_no_text_makes_the_readers_raise_anything_but_a_value_error(text):
    for kind in (int, float, bool, INTS, TEXTS, int | None, Literal["a"]):
        with contextlib.suppress(ValueError):
            check(read(text, kind), kind)


@pytest.mark.parametrize("kind", [dict, list[int], tuple[int, int], int | str, tuple[INTS, ...]])
def test_types_that_cannot_be_read_are_known(kind):
    assert not is_supported(kind)
