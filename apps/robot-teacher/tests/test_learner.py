from time import monotonic, sleep

import torch

from contrast_robot_teacher.learner import FIRST, Learner
from contrast_sirl.human import alike


def teach(learner, count, annotator="ada"):
    """A person who answers by the true features."""
    for _ in range(count):
        shown = learner.next_question()
        order = alike(learner.data.features[torch.tensor([shown])])[0]
        learner.answer(shown, shown[order[2]], annotator)


def until_learnt(learner, answers):
    begun = monotonic()
    while learner.learnt < answers:
        assert monotonic() - begun < 60
        sleep(0.02)


def test_it_learns_in_the_background_and_asks_what_it_knows_least(learner):
    assert learner.z is None
    teach(learner, FIRST)
    until_learnt(learner, FIRST)
    shown = learner.next_question()
    assert len(set(shown)) == 3
    teach(learner, 3)
    assert len(learner.guesses) == 3


def test_the_same_question_is_not_asked_twice(learner):
    teach(learner, FIRST)
    until_learnt(learner, FIRST)
    asked = set()
    for _ in range(5):
        shown = learner.next_question()
        assert frozenset(shown) not in asked
        asked.add(frozenset(shown))
        learner.answer(shown, None, "ada")


def test_another_day_goes_on_where_the_last_one_ended(learner, data):
    teach(learner, FIRST + 2)
    a, b = learner.next_pair()
    learner.prefer([a, b], b, "ada")
    again = Learner(data, learner.answers.path, learner.pairs.path).start()
    assert len(again.answered) == FIRST + 2
    assert again.preferred.pairs.tolist() == [[a, b]]
    until_learnt(again, FIRST + 2)
    again.stop()


def test_a_reward_follows_the_preferences(learner):
    assert learner.rewards() is None
    teach(learner, FIRST)
    until_learnt(learner, FIRST)
    tilt = learner.data.features[:, 3]
    for _ in range(12):
        a, b = learner.next_pair()
        said = "equal" if tilt[a] == tilt[b] else (a if tilt[a] < tilt[b] else b)
        learner.prefer([a, b], said, "bob")
    rewards = learner.rewards()
    first, second = learner.preferred.pairs.T
    decided = learner.preferred.second != 0.5
    agreed = ((rewards[second] > rewards[first]) == (learner.preferred.second > 0.5))[decided]
    assert agreed.float().mean() > 0.6
