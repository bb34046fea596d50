import pytest
import torch

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sepclr.form import Spaces
from contrast_sepclr.supervised import EQUAL, SupervisedSepCLR, supervised_align


def check(case, tau):
    s, y = tensors(case["inputs"], "s", "y")
    s.requires_grad_()
    value = supervised_align(s, y, tau=tau)
    assert_close(value, case["expected"], 1e-8)
    assert_close(torch.autograd.grad(value, s)[0], case["grad_s"], 1e-8, "grad_s")


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "supervised_align"))
def test_alignment_by_amounts_equals_its_vector(case):
    check(case, case["inputs"]["tau"])


@pytest.mark.parametrize("case", vector_cases(__file__, "sepclr", "supervised_align_discrete"))
def test_alignment_by_classes_equals_its_vector(case):
    check(case, EQUAL)


def spaces(attributes):
    def draw(*shape):
        return torch.randn(*shape, generator=generator(*shape), dtype=torch.float64)

    target = torch.arange(8) < 5
    return Spaces(draw(2, 8, 3), targets=attributes, salient=draw(2, 8, 2), is_target=target)


def test_only_the_clean_view_reaches_the_salient_space():
    form = spaces(torch.rand(8, 2, generator=generator(0)))
    form.salient.requires_grad_()
    sum(SupervisedSepCLR(categorical=(1,))(form).values()).backward()
    assert (form.salient.grad[0] != 0).any()
    assert (form.salient.grad[1] == 0).all()


def test_more_attributes_than_salient_dimensions_are_refused():
    with pytest.raises(ValueError, match="3 attributes need as many salient dimensions, got 2"):
        SupervisedSepCLR()(spaces(torch.rand(8, 3, generator=generator(0))))
