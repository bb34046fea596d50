import numpy as np
import pytest

from contrast.engine.randomness import generator
from contrast.errors import DataError
from contrast_supremix.split import draw_folds, draw_split, units_of


def test_rows_alike_are_one_unit_and_groups_come_first():
    x = np.array([[1.0, np.nan], [2, 3], [1, np.nan], [4, 5]])
    units, repeated = units_of(x)
    assert repeated == 1
    assert units[0] == units[2]
    groups, _ = units_of(x, np.array(["a", "b", "b", "a"]))
    assert groups.tolist() == [0, 1, 1, 0]


def test_a_split_has_the_asked_sizes_and_every_row_once():
    split = draw_split(np.arange(1503), 0.2, 0.133, generator(0))
    assert [len(split.train), len(split.valid), len(split.held)] == [1003, 300, 200]
    everything = np.concatenate([split.train, split.valid, split.held])
    assert (np.sort(everything) == np.arange(1503)).all()


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_hold_every_row_out_once_and_part_no_unit(folds):
    units = np.random.default_rng(0).integers(0, 40, 120)
    found = draw_folds(units, folds, 0.2, generator(0))
    held = np.concatenate([split.held for split in found])
    assert len(held) >= 120 - 40
    for split in found:
        parts = [set(units[getattr(split, part)].tolist()) for part in ("train", "valid", "held")]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]


def test_folds_without_units_hold_every_row_out_once():
    found = draw_folds(np.arange(53), 5, 0.2, generator(0))
    held = np.concatenate([split.held for split in found])
    assert (np.sort(held) == np.arange(53)).all()


def test_too_few_groups_are_refused():
    with pytest.raises(DataError, match="cannot be split"):
        draw_split(np.zeros(30, int), 0.2, 0.133, generator(0))
