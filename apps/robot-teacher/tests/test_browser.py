"""The page in a real browser, with a simulated person who clicks; skipped where it lacks."""

import shutil

import pytest
import torch

from contrast_sirl.answers import read_answers
from contrast_sirl.human import alike

webdriver = pytest.importorskip("selenium.webdriver", reason="Selenium is not installed")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs chromium and chromedriver: apt install chromium-driver"
)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
CARDS = "#question button[data-row]"


@pytest.fixture(scope="module")
def browser(served):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, "--window-size=1300,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options, webdriver.ChromeService(DRIVER)) as driver:
        driver.get(served[1])
        wait_for(driver, lambda: len(shown(driver)) == 3)
        yield driver


def wait_for(driver, sign):
    WebDriverWait(driver, 30).until(lambda _: sign())


def script(driver, text, *given):
    return driver.execute_script(text, *given)


def shown(driver):
    """The rows of the trajectories on the page."""
    return script(
        driver, f"return [...document.querySelectorAll('{CARDS}')].map(e => +e.dataset.row)"
    )


def click(driver, row):
    """A click, and the page that follows it."""
    before = shown(driver)
    driver.find_element(By.CSS_SELECTOR, f"{CARDS}[data-row='{row}']").click()
    wait_for(driver, lambda: shown(driver) and shown(driver) != before)


def test_a_person_answers_questions_and_every_click_is_on_the_disk(browser, served):
    learner, _ = served
    browser.find_element(By.CSS_SELECTOR, "#who input, #who textarea").send_keys("Ada")
    expected = []
    for count in range(1, 13):
        rows = shown(browser)
        odd = rows[alike(learner.data.features[torch.tensor([rows])])[0, 2]]
        click(browser, odd)
        expected.append({*rows})
        kept, _ = read_answers(learner.answers.path, learner.data.row_of)
        assert len(kept) == count
    assert [set(row) for row in kept.triples.tolist()] == expected
    assert set(kept.annotators) == {"Ada"}


def test_what_one_cannot_say_is_skipped(browser, served):
    learner, _ = served
    before, rows = len(learner.answered), shown(browser)
    browser.find_element(By.CSS_SELECTOR, "#skip").click()
    wait_for(browser, lambda: shown(browser) != rows)
    assert learner.answers.path.read_text().splitlines()[-1].split(",")[3] == "skip"
    assert len(learner.answered) == before


def test_preferences_bring_a_reward_as_a_map(browser, served):
    learner, _ = served
    wait_for(browser, lambda: learner.z is not None)
    labels = browser.find_elements(By.CSS_SELECTOR, "#what label")
    labels[1].click()
    wait_for(browser, lambda: len(shown(browser)) == 2)
    tilt = learner.data.features[:, 3]
    for count in range(1, 5):
        a, b = shown(browser)
        click(browser, a if tilt[a] <= tilt[b] else b)
        wait_for(
            browser,
            lambda count=count: browser.find_elements(
                By.CSS_SELECTOR, f"#reward [data-preferences='{count}'] svg rect"
            ),
        )
    assert len(learner.preferred) == 4


def test_nothing_fails_and_the_page_never_scrolls_sideways(browser):
    for width in (390, 1300):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        assert script(browser, "return document.documentElement.scrollWidth") <= width
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
