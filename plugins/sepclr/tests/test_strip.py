import numpy as np
import pytest
import torch

from contrast.engine.randomness import generator
from contrast_sepclr import strip as module
from contrast_sepclr.data import hold_out


def make(**changed):
    settings = {"digits": "sklearn", "train": 12, "test": 6} | changed
    return module.strip(generator=generator(0), **settings)


def test_the_right_half_is_empty_in_the_background_alone():
    data = make()
    assert data.x.shape == (36, 1, 8, 16)
    assert data.x.dtype == torch.uint8
    right = data.x[..., 8:].flatten(1).any(1)
    assert torch.equal(right, data.is_target)
    assert data.x[..., :8].flatten(1).any(1).all()


def test_both_groups_are_equally_many_on_both_sides():
    data = make()
    assert [int(data.is_target[rows].sum()) for rows in (data.train, data.test)] == [12, 6]
    assert [len(data.train), len(data.test)] == [24, 12]


def test_factors_say_what_is_where_and_where_it_belongs():
    left, right = make().factors
    assert (left.belongs, right.belongs) == ("common", "salient")
    assert left.known.all()
    assert np.array_equal(right.known, make().is_target.numpy())


def test_no_digit_of_the_test_is_among_those_of_the_training():
    train, test = module.sklearn_digits(generator(0))
    assert (len(train[1]), len(test[1])) == (1297, 500)
    data, pools = (
        make(train=40, test=20),
        [{x.tobytes() for x in part[0]} for part in (train, test)],
    )
    for rows, pool in zip((data.train, data.test), pools, strict=True):
        assert {x.numpy().tobytes() for x in data.x[rows, 0, :, :8]} <= pool


def test_digits_are_used_again_only_where_there_are_too_few():
    images = np.arange(1, 13, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(2, 2)
    pixels, left, right = module._pairs(images, np.arange(12), 4, generator(0))
    assert len(set(left) | set(right[4:])) == 12
    assert (right[:4] == -1).all()
    assert np.array_equal(pixels[:, 0, 0], left + 1)


def test_mnist_is_averaged_down_to_half_its_size(monkeypatch):
    pixels = np.zeros((5, 28, 28), np.uint8)
    pixels[:, :2, :2] = [[0, 100], [100, 200]]
    images = type("Images", (), {"pixels": pixels, "labels": np.arange(5)})
    monkeypatch.setattr(module, "mnist", lambda part: images)
    (train, labels), _ = module._mnist()
    assert train.shape == (5, 14, 14)
    assert (train[:, 0, 0] == 100).all()
    assert labels.tolist() == [0, 1, 2, 3, 4]


def test_one_seed_is_one_data_set():
    assert torch.equal(make().x, make().x)
    assert not torch.equal(
        make().x, module.strip(generator=generator(1), digits="sklearn", train=12, test=6).x
    )


@pytest.mark.parametrize("judged_on", ["test", "valid"])
def test_judging_on_a_validation_split_leaves_the_test_alone(judged_on):
    data = make(judged_on=judged_on)
    assert not set(data.train.tolist()) & set(data.test.tolist())
    assert (data.test.max() < 24) == (judged_on == "valid")


def test_a_fifth_is_held_out():
    train, held = hold_out(torch.arange(10), torch.arange(10, 12), "valid", generator(0))
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(10))
    assert len(held) == 2
