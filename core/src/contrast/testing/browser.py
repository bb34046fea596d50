"""Debian's Chromium for tests of pages, driven by Selenium; where they lack the test is skipped.

with chromium() as browser:
    browser.get(page.as_uri())
    assert asked(browser) == [page.as_uri()]
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
LOGS = {"performance": "ALL", "browser": "ALL"}
OWN = ("data:", "blob:")  # no request: what such an address names stands in the page


@contextmanager
def chromium(width: int = 1300, height: int = 1000) -> Iterator[Chrome]:
    """A browser without a window, that keeps note of its requests and of what fails."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver):
        pytest.skip("needs chromium and chromedriver: apt install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", LOGS)
    with webdriver.Chrome(options, webdriver.ChromeService(driver)) as started:
        yield started


def resize(browser: Chrome, width: int, height: int = 900) -> None:
    """Give the page this many pixels; below 500 it is a telephone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def asked(browser: Chrome) -> list[str]:
    """The addresses of all requests since this was called last."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    urls = (
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    )
    return [url for url in urls if not url.startswith(OWN)]


def complaints(browser: Chrome) -> list[str]:
    """What went wrong in the page since this was called last."""
    entries = browser.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
