from types import SimpleNamespace

import pytest

from contrast_robot_teacher.cards import Cards
from contrast_robot_teacher.page import ALIKE, BETTER, Asking


@pytest.mark.parametrize(("what", "shown"), [(BETTER, [3, 4, 5]), (ALIKE, [3, 4]), (ALIKE, [])])
def test_a_click_on_what_another_question_showed_counts_for_nothing(learner, what, shown):
    asking = Asking(Cards(learner, {}))
    before = learner.answers.path.read_text(), learner.pairs.path.read_text()
    asking.clicked(what, shown, "ada", SimpleNamespace(row=3))
    asking.skipped(what, shown, "ada")
    asking.equal(what, shown, "ada")
    assert (learner.answers.path.read_text(), learner.pairs.path.read_text()) == before


def test_a_click_on_what_is_shown_is_kept(learner):
    asking = Asking(Cards(learner, {}))
    asking.clicked(ALIKE, [3, 4, 5], "ada", SimpleNamespace(row=4))
    asking.equal(BETTER, [3, 4], " ")
    assert "3,4,5,4,ada," in learner.answers.path.read_text()
    assert "3,4,equal,somebody," in learner.pairs.path.read_text()
