import pytest
import torch

from contrast.engine.randomness import generator
from contrast.interfaces import Moment
from contrast_supremix.data import rows_of
from contrast_supremix.sampler import RowSampler, batch_count
from contrast_supremix.split import draw_split


def sampler(houses, size=16):
    rows = rows_of(houses, "price", "t.csv")
    split = draw_split(rows.units, 0.2, 0.133, generator(0))
    object.__setattr__(rows, "split", split)
    return RowSampler(rows, generator=generator(0), batch_size=size)


def test_an_epoch_draws_every_training_row_once_and_the_next_in_another_order(houses):
    made = sampler(houses)
    epochs = [
        torch.cat(
            [
                made.draw(Moment("t", e * made.steps_per_epoch + i, 0)).rows
                for i in range(made.steps_per_epoch)
            ]
        )
        for e in (0, 1)
    ]
    for rows in epochs:
        assert rows.sort().values.tolist() == made.data.split.train.tolist()
    assert (epochs[0] != epochs[1]).any()


def test_ranks_share_a_batch_between_them(houses):
    made = sampler(houses)
    whole = made.draw(Moment("t", 3, 0)).rows
    parts = [made.draw(Moment("t", 3, 0, None, rank, 2)).rows for rank in range(2)]
    assert sorted(torch.cat(parts).tolist()) == sorted(whole.tolist())


def test_scales_come_from_the_training_rows_alone(houses):
    made = sampler(houses)
    train = torch.from_numpy(made.data.split.train)
    assert abs(made.y[train].mean()) < 1e-5
    assert made.labels[train].min() == 0
    assert abs(made.labels[train].max() - 40) < 1e-4


def test_a_sweep_sees_all_rows_in_their_order(houses):
    made = sampler(houses)
    (batch,) = made.sweep("all")
    assert made.ids(batch) == list(range(93))


@pytest.mark.parametrize(
    ("rows", "size", "count"), [(345, 2, 172), (3, 2, 1), (65, 64, 2), (1, 8, 1)]
)
def test_no_batch_is_of_a_single_row(rows, size, count):
    assert batch_count(rows, size) == count
