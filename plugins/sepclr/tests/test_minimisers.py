import math

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.testing.vectors import assert_close
from contrast_sepclr.minimisers import (
    GaussianGiven,
    against_all,
    against_others,
    kernel_mi,
    make_minimiser,
    mmd,
)

KINDS = ("jem", "none", "kmi", "vclub", "vub", "vl1out", "tc", "mmd")


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed, *shape), dtype=torch.float64)


def log_q(q, t, c):
    """log q(t_j | c_i) for all i, j by torch's own normal distribution."""
    mean, log_variance = q(c)
    normal = torch.distributions.Normal(mean[:, None], (log_variance / 2).exp()[:, None])
    return normal.log_prob(t[None]).sum(2)


@pytest.fixture
def given():
    return GaussianGiven(3, 2).double(), draw(6, 3), draw(6, 2, seed=1)


def test_all_pairs_of_vclub_equal_their_plain_mean(given):
    q, c, t = given
    assert_close(against_all(q, c, t), log_q(q, t, c).mean(), 1e-10)


def test_the_others_of_leave_one_out_equal_their_plain_mean(given):
    q, c, t = given
    pairs = log_q(q, t, c).T  # row i: t_i under every c_j
    others = pairs[~torch.eye(6, dtype=torch.bool)].view(6, 5)
    assert_close(against_others(q, c, t), (others.logsumexp(1) - math.log(5)).mean(), 1e-10)


def test_mmd_equals_the_plain_kernel_distance(given):
    _, c, t = given
    k, ell = (torch.exp(-torch.cdist(x, x).square()) for x in (c, t))
    plain = (k * ell).mean() + k.mean() * ell.mean() - 2 * (k.mean(1) * ell.mean(1)).mean()
    assert_close(mmd(c, t, tau=0.5), plain, 1e-10)


def test_kernel_mi_is_larger_between_copies_than_between_strangers():
    c, other = draw(200, 2), draw(200, 2, seed=3)
    assert kernel_mi(c, c, tau=0.5) > kernel_mi(c, other, tau=0.5) + 0.2


def test_mmd_and_kernel_mi_of_a_constant_space_are_zero():
    c, constant = draw(20, 3), torch.zeros(20, 2, dtype=torch.float64)
    assert_close(mmd(c, constant, tau=0.5), 0.0, 1e-12)
    assert_close(kernel_mi(c, constant, tau=0.5), 0.0, 1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [0, 1, 2, 9])
def test_every_term_is_finite_with_its_gradient(kind, rows):
    term = make_minimiser(kind, 3, 2, tau=0.5, lr=1e-3, steps=2)
    c, t = draw(rows, 3).float().requires_grad_(), draw(rows, 2).float().requires_grad_()
    if hasattr(term, "fit"):
        term.fit(c.detach(), t.detach())
    value = term(c, t)
    (value + 0 * c.sum() + 0 * t.sum()).backward()
    assert value.isfinite()
    assert c.grad.isfinite().all()
    assert t.grad.isfinite().all()


@pytest.mark.parametrize("kind", ["vclub", "vl1out", "tc"])
def test_a_fitted_estimator_tells_copies_from_strangers(kind):
    c = draw(256, 2).float()
    copies, strangers = c.clone(), draw(256, 2, seed=5).float()
    found = []
    for t in (copies, strangers):
        term = make_minimiser(kind, 2, 2, tau=0.5, lr=1e-2, steps=100)
        term.fit(c, t)
        found.append(float(term(c, t)))
    assert found[0] > found[1] + 0.3


def test_no_outer_optimiser_moves_an_estimator():
    term = make_minimiser("vclub", 3, 2, tau=0.5, lr=1e-3, steps=1)
    assert not any(p.requires_grad for p in term.parameters())


def test_an_unknown_term_is_refused():
    with pytest.raises(ValueError, match="mi_term must be jem, none"):
        make_minimiser("club", 3, 2, tau=0.5, lr=1e-3, steps=1)
