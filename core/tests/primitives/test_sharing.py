"""Shared pairs: every rank knows what one process would, has done its share, and its gradients add up."""

from contextlib import contextmanager, nullcontext
from unittest.mock import patch

import pytest
import torch

from contrast.engine.distribution import World
from contrast.forms import Apart, Differ
from contrast.primitives import lse_sum, pair_sums, row_lse, sharing, topk
from contrast.primitives.sharing import pairs_shared
from contrast.primitives.structure import LogWeight, Mask, OffDiagonal
from contrast.primitives.tiles import Tile
from contrast.testing.processes import in_processes

N, M, D = 13, 11, 4
SHARES = {1: (1.0,), 2: (0.3, 0.7), 3: (0.5, 0.0, 0.5)}  # what the engine weighs the ranks with


def draw(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def ids(n, seed=0):
    return torch.randint(4, (n,), generator=torch.Generator().manual_seed(seed))


def statistics(a, k, t, w):
    """Everything that rows against others give, of learnt weights, with an empty row."""
    allowed = torch.ones(N, M, dtype=torch.bool)
    allowed[3] = False
    weights = (LogWeight(w), Mask(allowed), OffDiagonal((2,)))
    found = row_lse.row_lse(a, k, temperature=t, weights=weights, moment=True, columns=True)
    rows = found.lse.masked_fill(found.lse == -torch.inf, 0)
    return torch.cat((rows.square(), found.moment, found.column_lse.sin()))


def themselves(a, k, t, w):
    group = ids(N)
    apart = Apart(*[torch.stack((group, ids(N, 1)))] * 2)
    for weights in ((OffDiagonal(),), (Differ(group, group), OffDiagonal((-1, 0, 1))), (apart,)):
        yield row_lse.row_lse(a, temperature=t.mean(), weights=weights).lse.square()
    for weights in ((), (OffDiagonal(),)):
        near = row_lse.row_lse(a, temperature=t.mean(), score="distance", weights=weights)
        yield near.lse.square()


def nothing_left(a, k, t, w):
    """Each row alone of its kind: no candidate, on any rank."""
    same = torch.arange(N)
    found = row_lse.row_lse(a, weights=(Differ(same * 0, same * 0),)).lse
    assert (found == -torch.inf).all()
    return found.masked_fill(found == -torch.inf, 0) + 0 * a.sum(1)


def distances(a, k, t, w):
    weights = (Differ(ids(N), ids(M)),)
    return row_lse.row_lse(a, k, temperature=t, score="distance", weights=weights).lse


def summed_rows(a, k, t, w):
    found = lse_sum.lse_sum(k, a, t[:M] / 9, temperature=t[:M], positive=2)
    return torch.stack((found, lse_sum.lse_sum(k, a, weights=(LogWeight(w.T),))))


def summed_pairs(a, k, t, w):
    function = lambda s, level, column, slope: torch.tanh(slope * (s - level) + column)  # noqa: E731
    values = {"rows": (t,), "columns": (k[:, 0],), "parameters": (w[0, 0],)}
    return pair_sums.pair_sum(a, k, function, **values, weights=(Differ(ids(N), ids(M)),))


def best(a, k, t, w):
    found = topk.row_topk(a, k, 3, weights=(OffDiagonal(),))
    assert torch.equal(found.values, (a @ k.T).gather(1, found.indices))
    return found.values.square()


PROBLEMS = statistics, themselves, nothing_left, distances, summed_rows, summed_pairs, best


def losses(problem, inputs):
    """The loss of each of the problem's calls: sums of unequal weights."""
    found = problem(*inputs)
    for each in [found] if isinstance(found, torch.Tensor) else found:
        yield (each * torch.linspace(0.5, 2, each.numel()).view_as(each)).sum()


@contextmanager
def by_tiles():
    """Nothing is small enough to be held at once; counts the entries of all tiles."""
    entries, right = [0], Tile.__init__

    def counted(tile, *arguments, **options):
        right(tile, *arguments, **options)
        entries[0] += tile.n * tile.m

    small = [patch.object(module, "SMALL", 0) for module in (row_lse, lse_sum, pair_sums, topk)]
    small += [
        patch("contrast.primitives.tiles.CPU_TILE", (2, 3)),
        patch.object(Tile, "__init__", counted),
    ]
    small += [patch.object(lse_sum, "CPU_TILE", (2, 3)), patch.object(lse_sum, "LEAST_ROWS", 1)]
    small += [patch.object(row_lse, "KEPT", 0, create=True)]
    for each in small:
        each.start()
    try:
        yield entries
    finally:
        for each in small:
            each.stop()


def evaluated(problem, world, share=1.0):
    """Losses, the gradients of all inputs weighed by share, and how many pairs were evaluated."""
    inputs = [draw(N, D), draw(M, D, seed=1), draw(N).exp(), draw(N, M, seed=2) / 9]
    inputs = [x.requires_grad_() for x in inputs]
    with by_tiles() as entries:
        with pairs_shared(world) if world.size > 1 else nullcontext():
            values = list(losses(problem, inputs))
        gradients = torch.autograd.grad(sum(values) * share, inputs, materialize_grads=True)
    return torch.stack(values).detach(), gradients, entries[0]


def _check(world):
    share = SHARES[world.size][world.rank]
    for problem in PROBLEMS:
        values, gradients, entries = evaluated(problem, World())
        found, own, done = evaluated(problem, world, share)
        torch.testing.assert_close(found, values, rtol=0, atol=1e-12)
        for mine, whole in zip(own, gradients, strict=True):
            torch.testing.assert_close(world.sum(mine.clone()), whole, rtol=0, atol=1e-12)
        assert done < 1.3 * entries / world.size + 8 * N, problem.__name__
    with patch.object(sharing._Sum, "backward", staticmethod(lambda ctx, g: (g, None))):
        _, own, _ = evaluated(summed_pairs, world, share)
    right = evaluated(summed_pairs, World())[1][0]
    assert (world.sum(own[0].clone()) - right).abs().max() > 1e-3  # the error of a local gradient


@pytest.mark.parametrize("size", [2, 3])
def test_all_ranks_together_are_one_process(size):
    in_processes(size, _check)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("n", [8, 13])
def test_each_pair_of_rows_is_in_one_block_of_one_rank(size, n):
    seen, work = torch.zeros(n, n, dtype=torch.long), []
    for rank in range(size):
        mine = torch.zeros_like(seen)
        for rows, columns in sharing._blocks(n, World(rank, size)):
            mine[rows, columns] += 1
            if rows != columns:
                mine[columns, rows] += 1
        seen += mine
        work.append(int(mine.sum()))
    assert (seen == 1).all()
    assert max(work) <= n * n / size + 2 * n


def test_one_process_shares_nothing():
    with pairs_shared(World()):
        assert sharing.own_rows(5) is None
    with pairs_shared(World(1, 3)):
        assert sharing.own_rows(2) is None  # not a row for each
        assert sharing.own_rows(7) == slice(2, 4)
    assert sharing.own_rows(7) is None
