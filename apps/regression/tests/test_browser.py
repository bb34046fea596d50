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


@pytest.fixture(scope="module")
def browser(address):
    with chromium() as driver:
        driver.get(address)
        wait_for(driver, lambda: texts(driver, "#table input[type=file]"))
        yield driver


def test_a_table_is_dropped_compared_and_predicted(browser, table):
    chosen = "return document.querySelector('#target input').value"
    write(browser, "#table", str(table / "houses.csv"))
    wait_for(browser, lambda: browser.execute_script(chosen) == "price", 60)
    press(browser, "#start")
    done = "#found .comparison[data-done]"
    wait_for(browser, lambda: texts(browser, done), 240)
    assert "Recommended for price" in texts(browser, done)[0]
    assert len(texts(browser, "#found tbody tr")) == 11
    wait_for(browser, lambda: texts(browser, "#new input[type=file]"))
    write(browser, "#new", str(table / "new.csv"))
    link = "return document.querySelector('#out a')?.href ?? ''"
    wait_for(browser, lambda: "new-predicted" in browser.execute_script(link), 90)


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    check_silence(browser, address)


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
