import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast.interfaces import Moment
from contrast_mclrec.sampler import HistorySampler, histories


def sampler(log, **settings):
    return HistorySampler(log, generator=generator(0), **{"batch_size": 16, **settings})


def at(step, **also):
    return Moment("train", step, 0, **also)


def test_an_epoch_predicts_every_event_once(log):
    made = sampler(log)
    seen = []
    for step in range(made.steps_per_epoch):
        batch = made.draw(at(step))
        seen += zip(batch.users.tolist(), batch.targets.tolist(), strict=True)
    train = log.split.train
    expected = zip(log.owner(train).tolist(), log.items[train].tolist(), strict=True)
    assert sorted(seen) == sorted(expected)
    again = made.draw(at(made.steps_per_epoch))
    assert not torch.equal(again.targets, made.draw(at(0)).targets)


def test_a_history_is_what_came_before_cut_to_its_last_items(log):
    made = histories(log, generator=generator(0), batch_size=1000, max_length=4)
    batch = made.batch(log.split.train)
    items, lengths = batch.rows.padded()
    for row, position in enumerate(log.split.train):
        begin = log.starts[batch.users[row]]
        expected = log.items[max(begin, position - 4) : position]
        assert items[row, : lengths[row]].tolist() == expected.tolist()


def test_rows_are_histories_then_both_views(log):
    batch = sampler(log, crop=0.0, mask=0.0, reorder=0.0).draw(at(0))
    items, lengths = batch.rows.padded()
    seen, sizes = batch.views.padded()
    assert torch.equal(items[:16], items[16:32])
    assert torch.equal(items[:16], items[32:])
    assert torch.equal(seen, items[16:, : seen.shape[1]])
    assert torch.equal(sizes, lengths[16:])


def test_ranks_share_the_batch(log):
    whole = sampler(log).draw(at(3))
    parts = [sampler(log).draw(at(3, rank=r, world_size=2)) for r in range(2)]
    together = torch.cat([part.targets for part in parts])
    assert sorted(together.tolist()) == sorted(whole.targets.tolist())


def test_a_last_batch_too_small_for_the_processes_is_refused_before_training(log):
    made = sampler(log, batch_size=len(log.split.train) - 1)
    with pytest.raises(ConfigError, match=r"sampler\.batch_size.* 1 histories .* 2 processes"):
        made.draw(at(0, world_size=2))


def test_a_batch_is_cut_with_its_views(log):
    made = sampler(log)
    batch = made.draw(at(0))
    parts = made.split(batch, 5)
    assert [len(part.users) for part in parts] == [5, 5, 5, 1]
    items, lengths = batch.rows.padded()
    first, sizes = parts[1].rows.padded()
    rows = torch.cat([torch.arange(5, 10) + 16 * block for block in range(3)])
    assert torch.equal(sizes, lengths[rows])
    assert torch.equal(first, items[rows][:, : first.shape[1]])


def test_sweeps_see_every_user_and_every_target_once(log):
    made = sampler(log)
    (everybody,) = made.sweep("all")
    assert made.ids(everybody) == log.user_ids
    (tested,) = made.sweep("test")
    assert (tested.targets.numpy() == log.items[log.split.test]).all()
    assert tested.views is None


def test_negatives_are_drawn_by_popularity_to_a_power(log):
    made = sampler(log, negatives=20_000, negative_power=1.0)
    drawn = made.draw(at(0)).negatives
    counts = np.bincount(drawn.items, minlength=log.catalogue + 1)[1:]
    chance = np.maximum(log.popularity[1:], 1) / np.maximum(log.popularity[1:], 1).sum()
    assert np.abs(counts / 20_000 - chance).max() < 0.01
    assert np.allclose(drawn.log_expected.exp(), 20_000 * chance[drawn.items - 1], rtol=1e-4)
