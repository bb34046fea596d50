"""Debian's Chromium for tests of pages, driven by Selenium; where they lack the test is skipped.

with chromium() as browser:
    browser.get(address)
    press(browser, "#next")
    wait_for(browser, lambda: texts(browser, "#shown") == ["2"])
    check_silence(browser, address)
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
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


def wait_for(browser: Chrome, sign: Callable[[], object], seconds: int = 30) -> None:
    """Wait until the sign is true.

    Raises: TimeoutException: it did not come in time.
    """
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, seconds).until(lambda _: sign())


def texts(browser: Chrome, where: str) -> list[str]:
    """What all parts that a CSS selector finds say now; read at once, since a page may change."""
    every = "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText)"
    return browser.execute_script(every, where)


def said(browser: Chrome, where: str, what: str) -> str | None:
    """The `data-` attribute of the first part that a CSS selector finds; None where none is."""
    read = "return document.querySelector(arguments[0])?.dataset[arguments[1]]"
    return browser.execute_script(read, where, what)


def press(browser: Chrome, where: str, which: int = 0) -> None:
    """Click on one of the parts that a CSS selector finds."""
    browser.find_elements("css selector", where)[which].click()


def write(browser: Chrome, where: str, *keys: str) -> None:
    """Type into the field of a part, a line or an area; a file's path into a field for files."""
    browser.find_element("css selector", f"{where} input, {where} textarea").send_keys(*keys)


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


def check_silence(browser: Chrome, address: str) -> None:
    """A page that was used has asked nobody but its own server, and nothing in it failed."""
    urls = asked(browser)
    assert urls, "the page was not opened, or its requests were read before"
    assert [url for url in urls if not url.startswith(address)] == []
    assert complaints(browser) == []


def check_width(browser: Chrome, width: int) -> None:
    """In a window of this width the page does not scroll sideways."""
    resize(browser, width)
    assert browser.execute_script("return innerWidth") == width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
