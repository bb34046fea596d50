"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import pytest

from contrast.testing.browser import asked, chromium, complaints, resize

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

HEADING, MAP, SEARCH = "#card h2", "#map canvas[data-points]", "#search input, #search textarea"


@pytest.fixture(scope="module")
def browser(address):
    with chromium() as driver:
        driver.get(address)
        wait_for(driver, lambda: driver.find_elements(By.CSS_SELECTOR, MAP) and heading(driver))
        yield driver


def wait_for(driver, sign):
    WebDriverWait(driver, 20).until(lambda _: sign())


def heading(driver):
    return "".join(each.text for each in driver.find_elements(By.CSS_SELECTOR, HEADING))


def test_a_node_is_searched_and_its_neighbours_are_seen(browser):
    browser.find_element(By.CSS_SELECTOR, SEARCH).send_keys("farg")
    wait_for(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#found button"))
    browser.find_element(By.CSS_SELECTOR, "#found button").click()
    wait_for(browser, lambda: heading(browser) == "Fargo (1996)")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#in-embedding button")) == 10
    assert browser.find_elements(By.CSS_SELECTOR, ".on-graph button")


def test_a_row_leads_to_its_node(browser):
    row = browser.find_element(By.CSS_SELECTOR, "#in-embedding button .title")
    title = row.text
    row.click()
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
    urls = asked(browser)
    assert len(urls) > 10
    assert [url for url in urls if not url.startswith(address)] == []
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    resize(browser, width)
    inner = browser.execute_script("return document.documentElement.scrollWidth")
    assert inner <= width
