"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import json
import shutil

import pytest

webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver: apt install chromium-driver"
)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")


@pytest.fixture(scope="module")
def browser(address):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, "--window-size=1300,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
        driver.get(address)
        yield driver


def wait_for(driver, selector, seconds=90):
    WebDriverWait(driver, seconds).until(lambda d: d.find_elements(By.CSS_SELECTOR, selector))
    return driver.find_element(By.CSS_SELECTOR, selector)


def test_a_table_is_dropped_compared_and_predicted(browser, table):
    wait_for(browser, "#table input[type=file]").send_keys(str(table / "houses.csv"))
    WebDriverWait(browser, 60).until(
        lambda d: d.find_element(By.CSS_SELECTOR, "#target input").get_attribute("value") == "price"
    )
    browser.find_element(By.CSS_SELECTOR, "#start").click()
    done = wait_for(browser, "#found .comparison[data-done]", 240)
    assert "Recommended for price" in done.text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#found tbody tr")) == 11
    wait_for(browser, "#new input[type=file]").send_keys(str(table / "new.csv"))
    assert "new-predicted" in wait_for(browser, "#out a").get_attribute("href")


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
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
