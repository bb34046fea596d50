"""Report and comparison in a real browser, Debian's Chromium, opened as files.

Skipped where Selenium, Chromium or its driver lack.
"""

import pytest
import torch

from contrast.evaluation import diagnose
from contrast.forms import Pairs
from contrast.reporting import save_diagnosis, write_report
from contrast.reporting.comparison import compare_runs
from contrast.reporting.comparison_page import write_comparison
from contrast.testing.browser import asked, check_width, chromium, complaints, resize

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

WIDTHS = (1400, 390)
BEYOND = """
const scrolls = (e) => e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
return [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement))
  .map((e) => e.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory, filled):
    """A report and a comparison, with all sections that they can have."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [filled(folder / f"a-run-with-a-long-name-{seed}", seed=seed) for seed in (0, 1)]
    z = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0))
    found = diagnose(Pairs(z[0], z[1]), temperature=0.25, generator=torch.Generator())
    save_diagnosis(found, runs[0], "train")
    comparison = compare_runs(runs)
    return {
        "report": write_report(runs[0]),
        "comparison": write_comparison(comparison, folder / "comparison.html"),
    }


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(browser, pages):
    """Opens a page in a window of some width."""

    def show(page, width):
        resize(browser, width)
        asked(browser), complaints(browser)  # what was before is forgotten
        browser.get(pages[page].as_uri())
        return browser

    return show


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["report", "comparison"])
def test_nothing_lies_beyond_the_window_and_the_page_never_scrolls_sideways(opened, page, width):
    browser = opened(page, width)
    check_width(browser, width)
    assert browser.execute_script(BEYOND) == []


@pytest.mark.parametrize("page", ["report", "comparison"])
def test_nothing_is_asked_of_anybody_and_nothing_fails(opened, pages, page):
    browser = opened(page, 1400)
    assert asked(browser) == [pages[page].as_uri()]
    assert complaints(browser) == []


def test_the_map_tells_a_point_under_the_pointer_and_finds_one_by_its_id(opened):
    browser = opened("report", 1400)
    canvas, tip = (browser.find_element(By.CSS_SELECTOR, n) for n in (".map canvas", ".tip"))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    width, height = canvas.size["width"], canvas.size["height"]
    for step in range(40 * (height // 24)):  # a raster over the map, until it meets a point
        x, y = (step % 40 - 20) * width // 41, (step // 40) * 24 - height // 2 + 12
        ActionChains(browser, duration=0).move_to_element_with_offset(canvas, x, y).perform()
        if tip.is_displayed():
            break
    identity, label = tip.text.split("\n")
    assert identity.isdigit()
    assert label in {"Drama", "Comedy", "Action"}
    browser.find_element(By.CSS_SELECTOR, ".tools input").send_keys("89")
    assert browser.find_element(By.CSS_SELECTOR, ".tools output").text == "1 found"


def test_overlaid_curves_tell_the_value_of_every_group_under_the_pointer(opened):
    browser = opened("comparison", 1400)
    curve = browser.find_element(By.CSS_SELECTOR, "svg[data-axes]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", curve)
    ActionChains(browser, duration=0).move_to_element(curve).perform()
    tip = browser.find_element(By.CSS_SELECTOR, ".tip").text
    assert tip.startswith("step ")
    assert "meow on movielens" in tip
