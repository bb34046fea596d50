"""A temperature that stays what it is, or is learnt and kept above its bound."""

import pytest
import torch

from contrast.objectives.temperature import Temperature


def test_a_fixed_temperature_is_a_number_without_parameters():
    fixed = Temperature(0.2, learnt=False)
    assert fixed() == 0.2
    assert not list(fixed.parameters())


def test_a_learnt_temperature_begins_at_its_first_value_and_has_a_gradient():
    learnt = Temperature(0.2, learnt=True)
    learnt().backward()
    assert learnt().item() == pytest.approx(0.2)
    assert learnt.log_scale.grad.item() == pytest.approx(-0.2)


def test_beyond_the_bound_training_puts_it_back_with_a_gradient():
    learnt = Temperature(0.2, learnt=True, least=0.01)
    with torch.no_grad():
        learnt.log_scale.fill_(9.0)
    assert learnt.eval()().item() == pytest.approx(torch.tensor(-9.0).exp().item())
    found = learnt.train()()
    found.backward()
    assert found.item() == pytest.approx(0.01)
    assert learnt.log_scale.grad.item() == pytest.approx(-0.01)
