"""The page in a real browser: Debian's Chromium, driven by Selenium; skipped where they lack."""

import json

import pytest

from contrast.testing.browser import asked, chromium, complaints, resize

pytest.importorskip("selenium", reason="Selenium is not installed")
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

CARDS = "#question [data-side]"


@pytest.fixture(scope="module")
def browser(served):
    with chromium() as driver:
        driver.get(served[1])
        wait_for(driver, lambda: question(driver))
        yield driver


def wait_for(driver, sign):
    WebDriverWait(driver, 20).until(lambda _: sign())


def question(driver):
    """The number of the question that is shown, or None."""
    read = "return document.querySelector('[data-question]')?.dataset.question"
    return driver.execute_script(read)


def shown(driver):
    """The two responses, left and right."""
    read = f"return [...document.querySelectorAll('{CARDS} p')].map(each => each.textContent)"
    return driver.execute_script(read)


def act(driver, how):
    """Do something, and wait for the question that follows."""
    before = question(driver)
    how()
    wait_for(driver, lambda: question(driver) not in (None, before))


def letters(text):
    """What a page shows as it is: this model writes control characters as well."""
    return [each for each in text if each.isalnum()]


def kept(served):
    return [json.loads(line) for line in served[0].answers.path.read_text().splitlines()]


def press(driver, where):
    driver.find_element(By.CSS_SELECTOR, where).click()


def test_a_click_is_on_the_disk_before_the_next_question(browser, served):
    browser.find_element(By.CSS_SELECTOR, "#who input, #who textarea").send_keys("Ada")
    for count, side in enumerate(("left", "right", "right"), start=1):
        left, right = shown(browser)
        act(browser, lambda side=side: press(browser, f"#question [data-side={side}]"))
        assert len(kept(served)) == count
        last = kept(served)[-1]
        assert (last["annotator"], last["side"]) == ("Ada", side)
        assert letters(last["chosen"]) == letters(left if side == "left" else right)


def test_an_arrow_key_chooses_where_nothing_is_typed(browser, served):
    before = len(kept(served))
    name = browser.find_element(By.CSS_SELECTOR, "#who input, #who textarea")
    name.send_keys(Keys.ARROW_LEFT)
    browser.execute_script("document.activeElement.blur()")
    act(browser, lambda: browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ARROW_RIGHT))
    assert [row["side"] for row in kept(served)[before:]] == ["right"]


def test_ties_and_skips_bring_the_next_question_and_no_pair(browser, served):
    before = len(kept(served))
    act(browser, lambda: press(browser, "#tie"))
    act(browser, lambda: press(browser, "#skip"))
    assert len(kept(served)) == before
    assert [row["said"] for row in served[0].answers.undecided.rows] == ["tie", "skip"]


def test_a_typed_prompt_is_answered(browser, served):
    browser.find_elements(By.CSS_SELECTOR, "#source label")[1].click()
    wait_for(browser, lambda: "Type a prompt" in browser.find_element(By.ID, "question").text)
    browser.find_element(By.CSS_SELECTOR, "#typed textarea").send_keys("The dog")
    press(browser, "#ask")
    wait_for(browser, lambda: question(browser))
    act(browser, lambda: press(browser, "#question [data-side=left]"))
    assert (kept(served)[-1]["prompt"], kept(served)[-1]["typed"]) == ("The dog", True)


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, served):
    urls = asked(browser)
    assert len(urls) > 10
    assert [url for url in urls if not url.startswith(served[1])] == []
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    resize(browser, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
