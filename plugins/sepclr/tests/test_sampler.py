import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast.interfaces import Moment
from contrast_sepclr.data import Groups
from contrast_sepclr.sampler import GroupSampler


def groups(background, target):
    n = background + target
    rows = torch.arange(n)
    return Groups(
        "some", "table", rows[:, None].float(), rows >= background, rows, rows[:0], rows.tolist()
    )  # fmt: skip


def sampler(background, target, size, mix):
    return GroupSampler(
        groups(background, target), generator=generator(0), batch_size=size, mix=mix
    )


def moment(step, **others):
    return Moment("separate", step, seed=0, **others)


def drawn(made, steps):
    return [made.draw(moment(step)) for step in range(steps)]


def test_an_epoch_in_natural_shares_sees_every_sample_once():
    made = sampler(9, 3, 4, "natural")
    assert made.steps_per_epoch == 3
    first, second = drawn(made, 3), drawn(made, 6)[3:]
    for epoch in (first, second):
        assert sorted(torch.cat([batch.rows for batch in epoch]).tolist()) == list(range(12))
    assert [b.rows.tolist() for b in first] != [b.rows.tolist() for b in second]


def test_a_balanced_batch_is_half_targets_even_against_a_thousand_times_as_many():
    made = sampler(6000, 6, 64, "balanced")
    batches = drawn(made, 12)
    assert all(int(batch.is_target.sum()) == 32 for batch in batches)
    targets = torch.cat([batch.rows[batch.is_target] for batch in batches])
    assert torch.bincount(targets)[6000:].tolist() == [64] * 6  # each equally often
    background = torch.cat([batch.rows[~batch.is_target] for batch in batches])
    assert len(background.unique()) == len(background)


def test_a_natural_batch_may_lack_a_group():
    batches = drawn(sampler(1000, 4, 8, "natural"), 50)
    assert any(not batch.is_target.any() for batch in batches)


def test_an_odd_batch_has_one_more_of_the_background():
    batch = sampler(20, 20, 7, "balanced").draw(moment(0))
    assert (int(batch.is_target.sum()), len(batch.rows)) == (3, 7)


def test_a_batch_is_never_larger_than_what_there_is():
    for mix in ("natural", "balanced"):
        made = sampler(3, 2, 256, mix)
        assert made.steps_per_epoch == 1
        assert len(made.draw(moment(0)).rows) == 5


def test_a_step_draws_the_same_whenever_it_is_asked():
    for mix in ("natural", "balanced"):
        made = sampler(50, 7, 16, mix)
        later = drawn(made, 9)[8].rows
        assert torch.equal(later, sampler(50, 7, 16, mix).draw(moment(8)).rows)


def test_processes_share_a_batch_between_them():
    made = sampler(50, 10, 16, "balanced")
    whole = made.draw(moment(3)).rows
    parts = [made.draw(moment(3, rank=rank, world_size=3)).rows for rank in range(3)]
    assert torch.equal(torch.cat(parts).sort().values, whole.sort().values)


@pytest.mark.parametrize("sizes", [(0, 5), (5, 0)])
def test_a_group_without_a_sample_is_refused(sizes):
    with pytest.raises(DataError, match="one group has no sample to learn from"):
        sampler(*sizes, 4, "natural")


def test_a_sweep_goes_through_all_rows_in_their_order():
    made = sampler(700, 5, 16, "natural")
    rows = torch.cat([batch.rows for batch in made.sweep("all")])
    assert torch.equal(rows, torch.arange(705))
    assert made.ids(next(made.sweep("train")))[:3] == [0, 1, 2]
