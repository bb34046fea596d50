import pytest

from contrast.reporting.formats import is_number, show, show_bytes, show_duration, show_spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (3, "3"),
        (12345, "12,345"),
        (91.0512, "91.05"),
        (1.23456, "1.235"),
        (0.81234, "0.8123"),
        (0.0, "0.0000"),
        (1.2e-5, "1.20e-05"),
        (-4321.5, "-4,322"),
        (3e9, "3.00e+09"),
        ("text", "text"),
    ],
)
def test_values_are_shown_in_few_digits(value, text):
    assert show(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, None),
        (0.0423, "42.3 ms"),
        (0.42, "0.42 s"),
        (84.2, "84 s"),
        (725, "12 min 5 s"),
        (12000, "3 h 20 min"),
    ],
)
def test_durations_have_their_natural_unit(seconds, text):
    assert show_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (91.0512, 0.123, "91.05 ± 0.12"),
        (91.0512, 1.5, "91.1 ± 1.5"),
        (1234.5, 45.6, "1234 ± 46"),
        (0.812, 0.004, "0.8120 ± 0.0040"),
        (3.0, 0.0, "3.000 ± 0"),
        (91.0512, None, "91.05"),
        (None, None, None),
    ],
)
def test_a_spread_decides_about_the_digits(value, spread, text):
    assert show_spread(value, spread) == text
    assert is_number(text)


def test_words_are_no_numbers():
    assert not is_number("seed 0")
    assert not is_number(True)


def test_memory_has_its_natural_unit():
    assert [show_bytes(n) for n in (None, 3 * 2**20, 2**31)] == [None, "3 MiB", "2.00 GiB"]
