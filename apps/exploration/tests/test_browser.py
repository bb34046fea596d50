"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import pytest

from contrast.testing.browser import (
    check_silence,
    check_width,
    chromium,
    press,
    said,
    texts,
    wait_for,
)

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By


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
    assert len(texts(browser, "#cell tbody tr")) == 2


def test_an_episode_is_played_step_by_step_and_to_the_end(browser):
    press(browser, "#step")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "1")
    assert len(texts(browser, "#grids polyline.path")) == 4
    press(browser, "#end")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "3")
    assert len(texts(browser, "#episode tbody tr")) == 3
    press(browser, "#begin")
    wait_for(browser, lambda: said(browser, "#played", "shown") == "0")


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, address):
    check_silence(browser, address)


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
