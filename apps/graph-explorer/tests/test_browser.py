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

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

HEADING, MAP = "#card h2", "#map canvas[data-points]"


@pytest.fixture(scope="module")
def browser(address):
    with chromium() as driver:
        driver.get(address)
        wait_for(driver, lambda: texts(driver, MAP) and heading(driver))
        yield driver


def heading(driver):
    return "".join(texts(driver, HEADING))


def test_a_node_is_searched_and_its_neighbours_are_seen(browser):
    write(browser, "#search", "farg")
    wait_for(browser, lambda: texts(browser, "#found button"))
    press(browser, "#found button")
    wait_for(browser, lambda: heading(browser) == "Fargo (1996)")
    assert len(texts(browser, "#in-embedding button")) == 10
    assert texts(browser, ".on-graph button")


def test_a_row_leads_to_its_node(browser):
    title = texts(browser, "#in-embedding button .title")[0]
    press(browser, "#in-embedding button .title")
    wait_for(browser, lambda: heading(browser) == title)


def test_a_click_on_a_point_chooses_the_node_that_hovering_names(browser):
    canvas, tip = (browser.find_element(By.CSS_SELECTOR, f"#map {n}") for n in ("canvas", ".tip"))
    before, width = heading(browser), canvas.size["width"]
    for step in range(0, width * width, 18):  # a raster over the map, until it meets a point
        x, y = step % width - width // 2, 18 * (step // width) - canvas.size["height"] // 2
        ActionChains(browser, duration=0).move_to_element_with_offset(canvas, x, y).perform()
        named = tip.is_displayed() and tip.text
        if named and named != before:
            break
    ActionChains(browser).click().perform()
    wait_for(browser, lambda: heading(browser) == named)


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    check_silence(browser, address)


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
