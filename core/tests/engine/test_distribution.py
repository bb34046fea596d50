"""Two and three gloo processes must train as one: same losses, same weights."""

import pytest
import torch

from contrast.engine.distribution import BUCKET_BYTES, World, _buckets, reduce_gradients
from contrast.testing.processes import in_processes


def _check_reduction(world, values):
    like = [torch.zeros(3, dtype=torch.float64), torch.zeros(2, 2), torch.zeros(5)]
    rank = world.rank
    gradients = [torch.full((3,), values[rank], dtype=torch.float64), None, None]
    if rank == 0:
        gradients[1] = torch.ones(2, 2)
    reduced = reduce_gradients(gradients, like, world)
    assert torch.allclose(reduced[0], torch.full((3,), sum(values), dtype=torch.float64))
    assert torch.equal(reduced[1], torch.ones(2, 2))
    assert reduced[2] is None
    assert world.share(10 * (rank + 1)) == (rank + 1) / sum(range(1, world.size + 1))
    assert world.any(rank == 1) is True
    assert world.any(False) is False
    assert world.text(f"from {rank}") == "from 0"


@pytest.mark.parametrize("values", [[0.5, 0.5], [0.25, 2.0], [0.2, 0.3, -0.5]])
def test_gradients_are_summed_and_unused_ones_stay_none(values):
    in_processes(len(values), _check_reduction, values)


def test_buckets_are_of_one_dtype_and_bounded_size():
    big = BUCKET_BYTES // 4
    like = [torch.zeros(3), torch.zeros(2), torch.zeros(3, dtype=torch.float64), torch.zeros(big)]
    like += [torch.zeros(5)]
    assert list(_buckets([0, 1, 2, 3, 4], like)) == [[0, 1], [2], [3], [4]]


def test_one_process_reduces_nothing():
    gradient = torch.ones(2)
    assert reduce_gradients([gradient, None], [gradient] * 2, World())[0] is gradient
