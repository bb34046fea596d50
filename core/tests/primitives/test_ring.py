"""The ring against one process that holds all candidates, values and gradients."""

import pytest
import torch

from contrast.engine.distribution import World
from contrast.forms import Differ, Same
from contrast.primitives.ring import ring_lse
from contrast.primitives.row_lse import row_lse
from contrast.testing.processes import in_processes

N, M = 10, 13
CUTS = {1: ([], []), 2: ([3], [9]), 3: ([3, 4], [5, 5])}  # the second of three has no candidate


def inputs():
    generator = torch.Generator().manual_seed(0)
    a, k = (torch.randn(n, 4, generator=generator, dtype=torch.float64) for n in (N, M))
    rows, columns = (torch.randint(4, (n,), generator=generator) for n in (N, M))
    return a.requires_grad_(), k.requires_grad_(), rows, columns


def _check(world):
    for score in ("inner", "distance"):
        for excludes in (False, True):
            a, k, rows, columns = inputs()
            weights = (Differ(rows, columns),) if excludes else ()
            whole = row_lse(a, k, temperature=0.5, score=score, weights=weights).lse
            d_a, d_k = torch.autograd.grad(whole.square().mean(), (a, k))
            mine, held = (
                torch.arange(n).tensor_split(cuts)[world.rank]
                for n, cuts in zip((N, M), CUTS[world.size], strict=True)
            )
            own, kept = (x.detach()[at].requires_grad_() for x, at in ((a, mine), (k, held)))
            excluded = Same(rows[mine], columns[held]) if excludes else None
            found = ring_lse(own, kept, world, temperature=0.5, score=score, excluded=excluded)
            torch.testing.assert_close(found, whole[mine], rtol=0, atol=1e-12)
            share = len(mine) / N
            got = torch.autograd.grad(found.square().mean() * share, (own, kept))
            torch.testing.assert_close(got[0], d_a[mine], rtol=0, atol=1e-12)
            torch.testing.assert_close(got[1], d_k[held], rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [2, 3])
def test_the_ring_is_one_process_that_holds_all(size):
    in_processes(size, _check)


def test_a_ring_of_one():
    _check(World())


def test_gradcheck():
    a, k, rows, columns = inputs()
    excluded = Same(rows, columns)
    assert torch.autograd.gradcheck(
        lambda a, k: ring_lse(a, k, World(), temperature=0.5, excluded=excluded), (a, k)
    )


def test_a_row_without_a_candidate_has_no_gradient():
    a, k, rows, _ = inputs()
    found = ring_lse(a, k, World(), excluded=Same(rows * 0, torch.zeros(M, dtype=torch.long)))
    assert (found == -torch.inf).all()
    d_a, d_k = torch.autograd.grad(found.exp().sum(), (a, k))
    assert torch.equal(d_a, torch.zeros_like(a))
    assert torch.equal(d_k, torch.zeros_like(k))
