"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import pytest

from contrast.testing.browser import (
    check_silence,
    check_width,
    chromium,
    press,
    resize,
    texts,
    wait_for,
    write,
)

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.keys import Keys

TAKEN, NEXT, NEAR = "#taken .title", "#next .look", "#near .look"


@pytest.fixture(scope="module")
def driver():
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(driver, address):
    """A visit that has just begun."""
    driver.get(address)
    wait_for(driver, lambda: len(texts(driver, NEXT)) == 10)
    return driver


def test_a_film_is_searched_taken_and_the_next_ten_are_seen(browser):
    write(browser, "#search", "farg")
    wait_for(browser, lambda: "Fargo" in "".join(texts(browser, "#found button")))
    press(browser, "#found button")
    wait_for(browser, lambda: texts(browser, TAKEN)[:1] == ["Fargo (1996)"])
    wait_for(browser, lambda: texts(browser, "#near h2") == ["Near Fargo (1996)"])
    assert len(texts(browser, NEXT)) == len(texts(browser, NEAR)) == 10
    scores = [float(score) for score in texts(browser, "#next .score")]
    assert scores == sorted(scores, reverse=True)


def test_a_suggestion_is_taken_and_leaves_the_list(browser):
    first = texts(browser, "#next .title")[0].partition("\n")[0]
    press(browser, "#next [data-act=take]")
    wait_for(browser, lambda: texts(browser, TAKEN)[0] == first)
    wait_for(browser, lambda: first not in "".join(texts(browser, "#next .look")).split("\n"))


def test_looking_at_a_row_changes_what_is_near_and_nothing_else(browser):
    taken = texts(browser, TAKEN)
    title = texts(browser, "#near .title")[2]
    press(browser, NEAR, 2)
    wait_for(browser, lambda: texts(browser, "#near h2") == [f"Near {title}"])
    assert texts(browser, TAKEN) == taken


def test_what_was_taken_is_taken_back(browser):
    press(browser, "#taken [data-act=drop]")
    wait_for(browser, lambda: texts(browser, "#next h2") == ["Most popular"])
    assert texts(browser, TAKEN) == []


def test_somebody_in_the_log_brings_their_history(browser, shelf):
    write(browser, "#person", "p3", Keys.RETURN)
    expected = [shelf.titles[item] for item in reversed(shelf.history("p3"))]
    wait_for(browser, lambda: texts(browser, TAKEN) == expected)


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    check_silence(browser, address)


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)


@pytest.mark.parametrize(("width", "beside"), [(390, False), (1300, True)])
def test_both_lists_stand_side_by_side_where_there_is_room(browser, width, beside):
    resize(browser, width)
    above = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    tops = [browser.execute_script(above, each) for each in ("#next", "#near")]
    assert (tops[0] == tops[1]) == beside
