"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import pytest

from contrast.testing.browser import asked, chromium, complaints, resize

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


@pytest.fixture(scope="module")
def driver():
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(driver, address):
    """A visit that has just begun: at the last plan."""
    driver.get(address)
    wait_for(driver, lambda: said(driver, "#told", "step") == "29")
    return driver


def wait_for(driver, sign):
    WebDriverWait(driver, 20).until(lambda _: sign())


def said(driver, where, what):
    """What a part's data say now, or None where there is no such part."""
    read = "return document.querySelector(arguments[0])?.dataset[arguments[1]]"
    return driver.execute_script(read, where, what)


def press(driver, where):
    driver.find_element(By.CSS_SELECTOR, where).click()


def test_plans_are_gone_through_back_and_forth(browser):
    press(browser, "#back")
    wait_for(browser, lambda: said(browser, "#told", "step") == "28")
    press(browser, "#back")
    wait_for(browser, lambda: said(browser, "#told", "step") == "27")
    press(browser, "#on")
    wait_for(browser, lambda: said(browser, "#told", "step") == "28")


def test_a_click_on_the_curve_goes_there(browser):
    curve = browser.find_element(By.CSS_SELECTOR, ".curve")
    ActionChains(browser).move_to_element(curve).click().perform()
    wait_for(browser, lambda: said(browser, "#told", "step") in ("14", "15"))


def test_a_click_on_a_cell_shows_its_actions(browser):
    press(browser, '#grids [data-step="2"][data-state="4"]')
    wait_for(browser, lambda: said(browser, "#at", "at") == "2/4")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#cell tbody tr")) == 2


def test_an_episode_is_played_step_by_step_and_to_the_end(browser):
    press(browser, "#step")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "1")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#grids polyline.path")) == 4
    press(browser, "#end")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "3")
    assert len(browser.find_elements(By.CSS_SELECTOR, "#episode tbody tr")) == 3
    press(browser, "#begin")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "0")


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    urls = asked(browser)
    assert len(urls) > 10
    assert [url for url in urls if not url.startswith(address)] == []
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    resize(browser, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
