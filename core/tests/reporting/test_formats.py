import pytest

from contrast.reporting.formats import show, show_duration


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
    [(0.0423, "0.042 s"), (84.2, "84 s"), (725, "12 min 5 s"), (12000, "3 h 20 min")],
)
def test_durations_have_their_natural_unit(seconds, text):
    assert show_duration(seconds) == text
