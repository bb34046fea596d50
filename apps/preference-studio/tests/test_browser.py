"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import json

import pytest

from contrast.testing.browser import (
    check_silence,
    check_width,
    chromium,
    press,
    said,
    texts,
    wait_for,
    write,
)

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.keys import Keys

CARDS = "#question [data-side]"


@pytest.fixture(scope="module")
def browser(served):
    with chromium() as driver:
        driver.get(served[1])
        wait_for(driver, lambda: question(driver))
        yield driver


def question(driver):
    """The number of the question that is shown, or None."""
    return said(driver, "[data-question]", "question")


def shown(driver):
    """The two responses, left and right."""
    return texts(driver, f"{CARDS} p")


def act(driver, how):
    """Do something, and wait for the question that follows."""
    before = question(driver)
    how()
    wait_for(driver, lambda: question(driver) not in (None, before))


def letters(text):
    """What a page shows as it is: this model writes control characters as well."""
    return [each for each in text if each.isalnum()]


def kept(served):
    return [json.loads(line) for line in served[0].answers.path.read_text().splitlines()]


def test_a_click_is_on_the_disk_before_the_next_question(browser, served):
    write(browser, "#who", "Ada")
    for count, side in enumerate(("left", "right", "right"), start=1):
        left, right = shown(browser)
        act(browser, lambda side=side: press(browser, f"#question [data-side={side}]"))
        assert len(kept(served)) == count
        last = kept(served)[-1]
        assert (last["annotator"], last["side"]) == ("Ada", side)
        assert letters(last["chosen"]) == letters(left if side == "left" else right)


def test_an_arrow_key_chooses_where_nothing_is_typed(browser, served):
    before = len(kept(served))
    write(browser, "#who", Keys.ARROW_LEFT)
    browser.execute_script("document.activeElement.blur()")
    act(browser, lambda: browser.find_element("tag name", "body").send_keys(Keys.ARROW_RIGHT))
    assert [row["side"] for row in kept(served)[before:]] == ["right"]


def test_ties_and_skips_bring_the_next_question_and_no_pair(browser, served):
    before = len(kept(served))
    act(browser, lambda: press(browser, "#tie"))
    act(browser, lambda: press(browser, "#skip"))
    assert len(kept(served)) == before
    assert [row["said"] for row in served[0].answers.undecided.rows] == ["tie", "skip"]


def test_a_typed_prompt_is_answered(browser, served):
    press(browser, "#source label", 1)
    wait_for(browser, lambda: "Type a prompt" in texts(browser, "#question")[0])
    write(browser, "#typed", "The dog")
    press(browser, "#ask")
    wait_for(browser, lambda: question(browser))
    act(browser, lambda: press(browser, "#question [data-side=left]"))
    assert (kept(served)[-1]["prompt"], kept(served)[-1]["typed"]) == ("The dog", True)


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, served):
    check_silence(browser, served[1])


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
