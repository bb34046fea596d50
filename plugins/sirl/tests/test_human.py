import pytest
import torch

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sirl.human import alike, draw_people, pair_distances, prefers_second, reward


@pytest.mark.parametrize("case", vector_cases(__file__, "sirl", "query_answers"))
def test_answers_of_both_rules_equal_their_vectors(case):
    features = tensors(case, "features")[0][None]
    assert_close(pair_distances(features)[0], case["squared_distances_01_02_12"], 1e-8)
    assert alike(features)[0].tolist() == case["closest_pair_answer"]
    assert alike(features, rule="anchor")[0].tolist() == case["anchor_rule_answer"]


def test_a_tie_is_decided_by_the_first():
    tied = torch.tensor([[[0.0], [1.0], [-1.0]], [[0.0], [0.0], [0.0]], [[1.0], [0.0], [2.0]]])
    assert alike(tied).tolist() == alike(tied, rule="anchor").tolist()


def test_a_person_who_errs_chooses_each_pair_as_often_as_the_formula_says():
    features = torch.tensor([[0.0], [0.3], [0.8]]).expand(20000, 3, 1)
    answers = alike(features, rationality=2.0, generator=generator("human"))
    chances = torch.softmax(-2 * pair_distances(features[:1])[0], 0)
    odd = torch.bincount(answers[:, 2], minlength=3) / len(answers)
    assert_close(odd[[2, 1, 0]], chances, 0.02)


def test_a_person_of_great_rationality_answers_as_one_without_errors():
    features = torch.rand(200, 3, 4, generator=generator("features"))
    erring = alike(features, rationality=1e9, generator=generator("human"))
    assert (erring == alike(features)).all()


def test_an_anchored_person_never_calls_the_last_two_alike():
    features = torch.rand(300, 3, 2, generator=generator("features"))
    answers = alike(features, rule="anchor", rationality=1.0, generator=generator("human"))
    assert (answers[:, 0] == 0).all()


def test_theta_weighs_costs():
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    assert reward(features, torch.tensor([1.0, -2.0])).tolist() == [-1.0, 2.0]


def test_the_larger_reward_is_preferred_and_equal_ones_are_even():
    first, second = torch.tensor([0.0, 2.0, 1.0]), torch.tensor([1.0, 1.0, 1.0])
    assert prefers_second(first, second, rationality=None).tolist() == [1, 0, 0.5]


def test_preferences_are_drawn_by_bradley_terry():
    first, second = torch.zeros(20000), torch.full((20000,), 0.2)
    chosen = prefers_second(first, second, rationality=5.0, generator=generator("human"))
    assert abs(float(chosen.mean()) - torch.sigmoid(torch.tensor(1.0))) < 0.02


def test_people_differ_and_their_costs_lie_between_minus_one_and_one():
    people = draw_people(50, 4, generator("people"))
    assert people.shape == (50, 4)
    assert people.abs().max() <= 1
    assert people.unique(dim=0).shape == (50, 4)
