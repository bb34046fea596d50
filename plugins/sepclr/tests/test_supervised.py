from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from contrast.config import resolve
from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast.testing.vectors import assert_close, tensors, vector_cases
from contrast_sepclr.data import Factor, Groups, attributes_of
from contrast_sepclr.form import Spaces
from contrast_sepclr.sampler import Batch, GroupSampler
from contrast_sepclr.stage import SeparateStage
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


def over_pairs(rows, tau):
    """log of the mean kernel over pairs i < j."""
    return torch.exp(-torch.pdist(rows).square() / (2 * tau)).mean().log()


def test_the_terms_equal_the_plain_formula():
    draw = generator("plain")
    z, salient = (torch.randn(2, 7, d, dtype=torch.float64, generator=draw) for d in (4, 3))
    target = torch.tensor([1, 0, 1, 1, 0, 1, 0]).bool()
    attributes = torch.rand(7, 2, dtype=torch.float64, generator=draw)
    attributes[:, 1] = torch.tensor([0, 0, 1, 0, 0, 1, 0])
    c, s, zeroed = normalize(z, dim=-1), salient[0], salient[0] * target[:, None]
    each = []
    for k, (near, silent) in enumerate(((0.025, 0.025), (0.5e-5, 0.5))):
        y, own = attributes[target, k], s[target, k]
        i, j = torch.combinations(torch.arange(4)).T
        pull = torch.exp(-(y[i] - y[j]).square() / (2 * near)) * (own[i] - own[j]).square()
        quiet = s[~target, k].square().mean() / (2 * silent)
        each.append((pull.mean() + quiet) / 2 + over_pairs(zeroed[:, k : k + 1], 0.5))
    pairs = torch.cdist(c[0], c[0]).square() + torch.cdist(zeroed, zeroed).square()
    wanted = {
        "common": (c[0] - c[1]).square().sum(1).mean() + sum(over_pairs(v, 0.5) for v in c) / 2,
        "salient": 100 * sum(each) / 2,
        "leakage": 10 * torch.exp(-pairs).mean(1).log().mean(),
    }
    form = Spaces(z, targets=attributes, salient=salient, is_target=target)
    found = SupervisedSepCLR(categorical=(1,))(form)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert_close(found[name], value, 1e-12, name)


def test_only_the_clean_view_reaches_the_salient_space():
    form = spaces(torch.rand(8, 2, generator=generator(0)))
    form.salient.requires_grad_()
    sum(SupervisedSepCLR(categorical=(1,))(form).values()).backward()
    assert (form.salient.grad[0] != 0).any()
    assert (form.salient.grad[1] == 0).all()


def test_more_attributes_than_salient_dimensions_are_refused():
    with pytest.raises(ValueError, match="3 attributes need as many salient dimensions, got 2"):
        SupervisedSepCLR()(spaces(torch.rand(8, 3, generator=generator(0))))


def test_an_unknown_attribute_pulls_nothing():
    def loss(value, known):
        form = spaces(torch.tensor([0.1, 0.2, 0.3, 0.4, value, 0, 0, 0])[:, None].double())
        known = torch.tensor([[True]] * 4 + [[known]] + [[False]] * 3)
        return SupervisedSepCLR()(replace(form, known=known))["salient"]

    assert loss(0.0, known=False) == loss(9.0, known=False)
    assert loss(0.0, known=True) != loss(9.0, known=True)


def groups(*factors):
    is_target = torch.tensor([False, False, True, True, True, True])
    rows = torch.arange(6)
    return Groups(
        "made", "table", torch.randn(6, 2), is_target, rows[:5], rows[5:], list(range(6)), factors
    )


def test_attributes_are_what_is_known_of_targets_alone():
    age = Factor("age", np.arange(6.0))
    kind = Factor("kind", np.array([-1, -1, 0, 1, -1, 0]), ("early", "late"))
    years = Factor("years", np.array([np.nan, np.nan, 2.0, 4.0, 3.0, 6.0]))
    data = groups(age, kind, years)
    assert [factor.name for factor in attributes_of(data)] == ["kind", "years"]
    batch = GroupSampler(data, generator=generator(0)).batch(torch.arange(6))
    assert batch.attributes[:, 0].tolist() == [0, 0, 0, 1, 0, 0]
    assert batch.known[:, 0].tolist() == [False, False, True, True, False, True]
    assert batch.attributes[:, 1].tolist() == [0, 0, 0, 1, 0.5, 2]  # 0..1 over training targets


def modules(attributes, *words, objective="supervised"):
    config = resolve("sepclr", [f"objective={objective}", *words]).config
    given = {"shape": (1, 8, 16), "kind": "strip", "categorical": (0,), "attributes": attributes}
    return SeparateStage().build_modules(config, given)


def test_the_first_view_is_clean_under_the_supervised_variant_alone():
    x = torch.rand(4, 1, 8, 16)
    batch = Batch(x, torch.arange(4) < 2, torch.arange(4))
    encoder, objective = modules(("right digit",))
    assert isinstance(objective, SupervisedSepCLR)
    first, second = encoder.draw_views(batch)
    assert torch.equal(first, x)
    assert not torch.equal(second, x)
    form = encoder(batch)
    assert (len(form.z), len(form.salient)) == (2, 1)
    assert torch.equal(form.salient[0], encoder.salient(x))
    encoder, _ = modules(("right digit",), objective="sepclr")
    assert not torch.equal(encoder.draw_views(batch)[0], x)


def test_data_without_attributes_are_refused_before_training():
    with pytest.raises(ConfigError, match=r"of targets alone, and of `data=strip` nothing is"):
        modules(())


def test_too_few_salient_dimensions_are_refused_before_training():
    with pytest.raises(ConfigError, match=r"each of `a`, `b`, there are 1\nSet.*width=2"):
        modules(("a", "b"), "encoder.salient_width=1")
