"""The page in a real browser, with a simulated person who clicks; skipped where it lacks."""

import pytest
import torch

from contrast.testing.browser import (
    check_silence,
    check_width,
    chromium,
    press,
    texts,
    wait_for,
    write,
)
from contrast_sirl.answers import read_answers
from contrast_sirl.human import alike

CARDS = "#question button[data-row]"


@pytest.fixture(scope="module")
def browser(served):
    with chromium() as driver:
        driver.get(served[1])
        wait_for(driver, lambda: len(shown(driver)) == 3)
        yield driver


def shown(driver):
    """The rows of the trajectories on the page."""
    rows = "return [...document.querySelectorAll(arguments[0])].map(each => +each.dataset.row)"
    return driver.execute_script(rows, CARDS)


def click(driver, row):
    """A click, and the page that follows it."""
    before = shown(driver)
    press(driver, f"{CARDS}[data-row='{row}']")
    wait_for(driver, lambda: shown(driver) and shown(driver) != before)


def test_a_person_answers_questions_and_every_click_is_on_the_disk(browser, served):
    learner, _ = served
    write(browser, "#who", "Ada")
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
    press(browser, "#skip")
    wait_for(browser, lambda: shown(browser) != rows)
    assert learner.answers.path.read_text().splitlines()[-1].split(",")[3] == "skip"
    assert len(learner.answered) == before


def test_preferences_bring_a_reward_as_a_map(browser, served):
    learner, _ = served
    wait_for(browser, lambda: learner.z is not None)
    press(browser, "#what label", 1)
    wait_for(browser, lambda: len(shown(browser)) == 2)
    tilt = learner.data.features[:, 3]
    for count in range(1, 5):
        a, b = shown(browser)
        click(browser, a if tilt[a] <= tilt[b] else b)
        drawn = f"#reward [data-preferences='{count}'] svg rect"
        wait_for(browser, lambda drawn=drawn: texts(browser, drawn))
    assert len(learner.preferred) == 4


def test_nothing_is_asked_of_anybody_but_this_machine_and_nothing_fails(browser, served):
    check_silence(browser, served[1])


@pytest.mark.parametrize("width", [390, 1300])
def test_the_page_never_scrolls_sideways(browser, width):
    check_width(browser, width)
