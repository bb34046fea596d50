"""The page as it is served over HTTP on the loopback interface, and what its events do."""

from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from contrast.errors import DataError
from contrast_preference_studio.page import HELD_OUT, TYPED, Visit

DRAWN = (1.0, 0, 8)


def test_the_page_is_served_with_its_title(served):
    page = urlopen(served[1], timeout=10).read().decode()
    assert "preference studio" in page
    assert served[1].startswith("http://127.0.0.1:")


def test_a_click_is_kept_and_one_on_a_question_that_is_gone_is_not(asking):
    visit = Visit(asking)
    shown, _, told = visit.ask(HELD_OUT, "", "Ada", *DRAWN)
    visit.clicked(shown, "Ada", SimpleNamespace(question=shown.number + 1, side="left"))
    visit.clicked(None, "Ada", SimpleNamespace(question=shown.number, side="left"))
    assert asking.answers.decided.rows == []
    visit.clicked(shown, "Ada", SimpleNamespace(question=shown.number, side="right"))
    assert [row["side"] for row in asking.answers.decided.rows] == ["right"]
    assert 'data-answers="0"' in told
    assert 'data-answers="1"' in visit.ask(HELD_OUT, "", "Ada", *DRAWN)[2]


def test_ties_and_skips_are_kept_apart(asking):
    visit = Visit(asking)
    visit.tied(visit.ask(HELD_OUT, "", "", *DRAWN)[0], "")
    visit.skipped(visit.ask(HELD_OUT, "", "", *DRAWN)[0], "")
    assert [row["said"] for row in asking.answers.undecided.rows] == ["tie", "skip"]
    assert {row["annotator"] for row in asking.answers.undecided.rows} == {"somebody"}


def test_a_typed_prompt_is_asked_and_an_empty_one_is_told(asking):
    shown, card, _ = Visit(asking).ask(TYPED, "The cat", "", *DRAWN)
    assert (shown.prompt, shown.typed) == ("The cat", True)
    for empty in (" ", None):  # None: nobody has touched the field
        shown, card, _ = Visit(asking).ask(TYPED, empty, "", *DRAWN)
        assert shown is None
        assert "Type a prompt" in card
    Visit(asking).tied(None, "")
    assert asking.answers.undecided.rows == []


def test_an_answer_that_cannot_be_written_is_told(asking, monkeypatch):
    def refuse(*_, **__):
        raise DataError("the disk is full")

    shown, *_ = Visit(asking).ask(HELD_OUT, "", "", *DRAWN)
    monkeypatch.setattr(asking.answers, "add", refuse)
    with pytest.warns(UserWarning, match="the disk is full"):
        Visit(asking).tied(shown, "")
