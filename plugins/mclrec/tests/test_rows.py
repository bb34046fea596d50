import torch

from contrast.engine.randomness import generator
from contrast_mclrec.rows import Rows


def test_groups_hold_every_row_once_and_give_it_back_in_order():
    lengths = torch.randint(1, 40, (100,), generator=generator(0))
    items = torch.randint(1, 9, (100, 40), generator=generator(1))
    items = items.masked_fill(torch.arange(40) >= lengths[:, None], 0)
    rows = Rows.of(items, lengths)
    again, sizes = rows.padded()
    assert len(rows) == 100
    assert (sizes == lengths).all()
    assert (again == items[:, : lengths.max()]).all()


def test_little_of_a_group_is_padding():
    lengths = torch.arange(1, 51).repeat(5)
    rows = Rows.of(torch.ones(250, 50, dtype=torch.long), lengths)
    held = sum(group.items.numel() for group in rows.groups)
    assert held < 1.25 * lengths.sum()
    assert all(group.items.shape[1] == group.lengths.max() for group in rows.groups)


def test_one_group_is_the_padded_batch():
    lengths = torch.tensor([3, 1, 2])
    rows = Rows.of(torch.ones(3, 5, dtype=torch.long), lengths, full=0)
    assert len(rows.groups) == 1
    assert rows.groups[0].items.shape == (3, 3)
