import math
from dataclasses import replace

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast.interfaces import Moment
from contrast_sirl.active import ActiveSampler, entropy, information, most_informative
from contrast_sirl.data import gridrobot
from contrast_sirl.human import alike, reward
from contrast_sirl.questions import random_triples
from contrast_sirl.sampler import PreferenceSampler, QuestionSampler
from contrast_sirl.trajectories import Answers, Preferences, split_groups

AT = Moment("represent", 0, 0)
ASKED = {"queries": 50, "batch_size": 16, "answer_rule": "closest_pair", "rationality": None}


@pytest.fixture(scope="module")
def data():
    return gridrobot(generator=generator("d"), features="paper4", held_out=0.2, scale_by="all")


@pytest.mark.parametrize("rows", [3, 5, 200])
def test_random_triples_hold_three_different_rows_of_those_allowed(rows):
    allowed = torch.arange(rows) + 7
    found = random_triples(allowed, 500, generator("triples"))
    assert found.shape == (500, 3)
    assert all(len(set(row)) == 3 for row in found.tolist())
    assert set(found.unique().tolist()) <= set(allowed.tolist())


@pytest.mark.parametrize("rows", [5, 64])
def test_random_triples_are_drawn_evenly_at_every_place(rows):
    found = random_triples(torch.arange(rows), 20000, generator("triples"))
    for place in found.T:
        shares = torch.bincount(place, minlength=rows) / 20000 * rows
        assert (shares - 1).abs().max() < 0.3


def test_a_simulated_person_answers_about_training_trajectories_by_their_features(data):
    sampler = QuestionSampler(data, generator=generator("q"), **ASKED, held_out=0.1)
    triples = sampler.answers.triples
    assert torch.isin(triples, data.train).all()
    assert (alike(data.features[triples])[:, 2] == 2).all()
    assert torch.isin(sampler.tested, data.test).all()


def test_a_batch_holds_the_three_trajectories_of_each_question(data):
    sampler = QuestionSampler(data, generator=generator("q"), **ASKED, held_out=0.1)
    batch = sampler.draw(AT)
    assert batch.steps.shape == (3, 16, 9, 2)
    names = sampler.ids(batch)
    first = [int(each) for each in names[0].split(" | ")]
    assert torch.equal(batch.steps[:, 0], data.steps[first])
    assert len(set(names)) == 16


def test_a_sweep_of_a_part_sees_its_trajectories_alone(data):
    sampler = QuestionSampler(data, generator=generator("q"), **ASKED, held_out=0.1)
    (batch,) = sampler.sweep("test")
    assert sampler.ids(batch) == data.test.tolist()


def test_processes_share_the_answers_of_a_step(data):
    sampler = QuestionSampler(data, generator=generator("q"), **ASKED, held_out=0.1)
    whole = sampler.ids(sampler.draw(AT))
    moments = [replace(AT, rank=rank, world_size=2) for rank in (0, 1)]
    parts = [sampler.ids(sampler.draw(at)) for at in moments]
    assert sorted(parts[0] + parts[1]) == sorted(whole)


def test_preferences_follow_the_persons_costs(data):
    sampler = PreferenceSampler(data, generator=generator("p"), count=40, rationality=None)
    first, second = reward(data.features, sampler.theta)[sampler.preferences.pairs].T
    assert torch.equal(sampler.preferences.second, (second > first).float())


def test_peoples_own_preferences_come_before_simulated_ones(data):
    own = Preferences(torch.tensor([[0, 1], [2, 3]]), torch.tensor([0.0, 1.0]))
    with_own = replace(data, preferences=own)
    sampler = PreferenceSampler(with_own, generator=generator("p"), count=40, rationality=10.0)
    assert sampler.draw(AT).steps.shape[:2] == (2, 2)
    assert sampler.theta is None


def test_without_features_or_preferences_there_are_no_pairs(data):
    bare = replace(data, features=None)
    sampler = PreferenceSampler(bare, generator=generator("p"), count=40, rationality=10.0)
    assert sampler.draw(AT).steps.shape[:2] == (2, 0)


def test_whole_groups_are_held_out():
    groups = torch.arange(10).repeat_interleave(3)
    train, test = split_groups(groups, 0.2, generator("s"))
    assert len(test) == 6
    assert not set(groups[train].tolist()) & set(groups[test].tolist())


def test_information_is_large_where_sure_members_disagree():
    near, far = 0.0, 9.0
    one = torch.tensor([[near], [near], [far], [0.5]])
    other = torch.tensor([[near], [far], [near], [0.5]])
    z = torch.stack([one, other])
    disagree, tied = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 3, 0]])
    assert information(z, disagree).item() == pytest.approx(math.log(2), abs=1e-3)
    assert information(z, tied).item() == pytest.approx(0, abs=1e-6)
    assert information(z[:1].expand(2, -1, -1), disagree).item() == pytest.approx(0, abs=1e-6)


def test_the_best_questions_come_first():
    z = torch.randn(3, 30, 2, generator=generator("z"))
    found = most_informative(z, torch.arange(30), 10, generator=generator("pool"), pool=200)
    values = information(z, found)
    assert found.shape == (10, 3)
    assert (values.diff() <= 1e-6).all()


def test_entropy_of_even_chances_is_the_logarithm():
    assert entropy(torch.full((3,), 1 / 3)).item() == pytest.approx(1.0986, abs=1e-4)
    assert entropy(torch.tensor([1.0, 0, 0])).item() == 0


def test_an_active_sampler_asks_until_it_has_all_answers(data):
    how = {"first": 20, "round": 20, "members": 2, "round_steps": 2}
    sampler = ActiveSampler(data, generator=generator("a"), **ASKED, **how)
    sampler.draw(AT)
    triples = sampler.answers.triples
    assert len(triples) == 50
    assert torch.isin(triples, data.train).all()
    assert (alike(data.features[triples])[:, 2] == 2).all()


def test_an_active_sampler_does_not_mix_peoples_answers_with_its_own(data):
    how = {"first": 20, "round": 20, "members": 2, "round_steps": 2}
    answered = replace(data, answers=Answers(torch.tensor([[0, 1, 2]])))
    with pytest.raises(ConfigError, match="sampler=random"):
        ActiveSampler(answered, generator=generator("a"), **ASKED, **how)
