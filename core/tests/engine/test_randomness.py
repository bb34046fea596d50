import random

import numpy as np
import torch

from contrast.engine.randomness import derive_seed, generator, seed_everything, seeded
from contrast.interfaces import Moment


def test_a_seed_depends_on_every_word_and_on_nothing_else():
    words = [(1, "train", 2), (1, "train", 3), (2, "train", 2), (1, "probe", 2), (12, "train", 2)]
    assert len({derive_seed(*each) for each in words}) == len(words)
    torch.rand(3)
    assert derive_seed(1, "train", 2) == derive_seed(1, "train", 2)


def test_shared_generators_agree_over_ranks_and_local_ones_differ():
    first, second = (Moment("train", 3, 0, rank=rank, world_size=2) for rank in (0, 1))
    assert torch.equal(
        torch.rand(4, generator=first.shared("x")), torch.rand(4, generator=second.shared("x"))
    )
    assert not torch.equal(
        torch.rand(4, generator=first.local("x")), torch.rand(4, generator=second.local("x"))
    )


def test_a_seeded_block_leaves_the_global_generators_as_they_were():
    seed_everything("before")
    expected = torch.rand(2).tolist(), np.random.rand(), random.random()
    seed_everything("before")
    with seeded("inside"):
        torch.rand(5), np.random.rand(), random.random()
    assert (torch.rand(2).tolist(), np.random.rand(), random.random()) == expected


def test_generators_of_one_purpose_repeat():
    assert torch.equal(
        torch.rand(3, generator=generator(0, "a")), torch.rand(3, generator=generator(0, "a"))
    )


def test_seeding_draws_as_torchs_own_and_leaves_nothing_behind():
    torch.manual_seed(derive_seed("a", 1))
    expected, waiting = torch.rand(3), len(torch.cuda._queued_calls)
    seed_everything("a", 1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.cuda.is_available() or len(torch.cuda._queued_calls) == waiting
