"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import pytest

from contrast.testing.browser import (
    check_silence,
    check_width,
    chromium,
    press,
    texts,
    wait_for,
    write,
)

TARGETS, COMMON, SALIENT = "#targets .tiles button", "#common li button", "#salient li button"
PICKED = "#picked h2"


@pytest.fixture(scope="module")
def driver():
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(driver, address):
    """A visit that has just begun."""
    driver.get(address)
    wait_for(driver, lambda: len(texts(driver, SALIENT)) == 6)
    return driver


def test_a_target_is_picked_and_its_neighbours_are_seen(browser, cohort):
    row = cohort.targets()[3]
    press(browser, TARGETS, 3)
    wait_for(browser, lambda: texts(browser, PICKED) == [cohort.ids[row]])
    for space, where in (("common", COMMON), ("salient", SALIENT)):
        near = cohort.analysis.nearest(cohort.analysis.of_row(row), space, 6)
        assert [text.split("\n")[0] for text in texts(browser, where)] == [
            cohort.ids[each.row] for each in near
        ]


def test_a_neighbour_becomes_the_sample_that_is_looked_at(browser):
    name = texts(browser, SALIENT)[2].split("\n")[0]
    press(browser, SALIENT, 2)
    wait_for(browser, lambda: texts(browser, PICKED) == [name])


def test_neighbours_are_looked_for_in_the_background(browser):
    press(browser, "#among input", 1)
    wait_for(browser, lambda: all(text.startswith("healthy/") for text in texts(browser, COMMON)))


def test_targets_are_searched_by_id(browser):
    write(browser, "#search", "early/5")
    wait_for(browser, lambda: len(texts(browser, TARGETS)) == 1)


def test_an_image_of_ones_own_is_brought(browser, home):
    write(browser, "#own", str(home / "ill/early/7.png"))
    wait_for(browser, lambda: texts(browser, PICKED) == ["7.png"])
    wait_for(browser, lambda: texts(browser, COMMON)[0].startswith("ill/early/7.png"))
    shown = "return document.querySelector('#picked img').naturalWidth"
    assert browser.execute_script(shown) == 8


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    check_silence(browser, address)


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
