"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import json
import shutil

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver: apt install chromium-driver"
)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
HEADING, MAP, SEARCH = "#card h2", "#map canvas[data-points]", "#search input, #search textarea"


@pytest.fixture(scope="module")
def browser(address):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, "--window-size=1300,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
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
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    inner = browser.execute_script("return document.documentElement.scrollWidth")
    assert inner <= width
