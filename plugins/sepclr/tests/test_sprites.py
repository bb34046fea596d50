import numpy as np
import pytest
import torch

from contrast.data.images import Images
from contrast.engine.randomness import generator
from contrast_sepclr import sprites as module


def make(seed=0, **changed):
    settings = {"digits": "sklearn", "train": 30, "test": 10} | changed
    return module.sprites(generator=generator(seed), **settings)


def drawn(**changed):
    one = {"shape": 0, "scale": 1.0, "rotation": 0.0, "x": 0.5, "y": 0.5} | changed
    return module.draw(**{name: np.array([value]) for name, value in one.items()})[0] > 0


def middle(image):
    """Centre of what is white: pixels from the left and from the top."""
    return np.argwhere(image).mean(0)[::-1]


def test_only_the_factors_that_targets_alone_have_are_unknown_of_the_background():
    data = make()
    bright, *own = data.factors
    assert [each.name for each in own] == ["shape", "scale", "rotation", "x", "y"]
    assert bright.known.all()
    assert all(np.array_equal(each.known, data.is_target.numpy()) for each in own)
    assert [each.belongs for each in data.factors] == ["common", *["salient"] * 5]


def test_a_target_is_its_grid_and_the_sprite_that_its_factors_say():
    data = make()
    bright, *own = data.factors
    target = data.is_target.numpy()
    sprite = module.draw(**{each.name: each.values[target] for each in own}) > 0
    pixels = data.x[target, 0].numpy()
    assert (pixels[sprite] == 255).all()
    assert (pixels[~sprite] < 255).any()
    plain = data.x[~target, 0].numpy().mean((1, 2)) / 255
    assert np.allclose(plain, bright.values[~target])
    assert (pixels.mean((1, 2)) / 255 > bright.values[target]).all()


def test_a_sprite_moves_grows_and_turns_by_its_factors():
    assert np.allclose(middle(drawn()), 31.5, atol=0.01)
    assert np.allclose(middle(drawn(x=1.0)), [47, 31.5], atol=0.01)
    assert np.allclose(middle(drawn(y=0.0)), [31.5, 16], atol=0.01)
    assert drawn(scale=0.5).sum() == pytest.approx(drawn().sum() / 4, rel=0.05)
    turned = np.argwhere(drawn(shape=1, rotation=30.0)) - 31.5  # (down, right)
    long = np.linalg.eigh(np.cov(turned.T))[1][:, 1]
    assert long[0] / long[1] == pytest.approx(np.tan(np.deg2rad(30)), rel=0.05)
    heart = np.argwhere(drawn(shape=2))
    assert np.ptp(heart[heart[:, 0] == heart[:, 0].max()][:, 1]) < 4  # its point is below


def test_every_sprite_lies_within_the_image():
    for shape in range(3):
        for x, y in ((0, 0), (0, 1), (1, 0), (1, 1)):
            image = drawn(shape=shape, x=x, y=y, rotation=45.0)
            assert image.any()
            assert not image[[0, -1]].any()
            assert not image[:, [0, -1]].any()


def test_light_saturates():
    low, high = (np.array([[value]], np.uint8) for value in (100, 255))
    assert module.laid_over(low, high).tolist() == [[255]]
    assert module.laid_over(low, low).tolist() == [[200]]


def test_each_cell_holds_its_digit(monkeypatch):
    labels = np.arange(10).repeat(2)
    pixels = (labels[:, None, None] * np.ones((1, 28, 28))).astype(np.uint8)
    images = Images(pixels, labels, tuple("0123456789"), None)
    monkeypatch.setattr(module, "mnist", lambda part: images)
    data = make(digits="mnist")
    plain = data.x[~data.is_target, 0]
    corners = plain[:, [16, 48, 16, 48], [16, 16, 48, 48]]
    assert (corners == torch.tensor([1, 2, 3, 4])).all()
    assert (plain[:, :2] == 0).all()


def test_factors_are_drawn_apart_and_over_their_whole_range():
    found = {each.name: each.values for each in make(train=2000, test=1).factors}
    target = found["shape"] >= 0
    amounts = [found[name][target] for name in ("scale", "rotation", "x", "y")]
    together = np.corrcoef([found["shape"][target], *amounts]) - np.eye(5)
    assert abs(together).max() < 0.1
    assert [round(float(each.min())) for each in amounts[1:]] == [-45, 0, 0]
    assert sorted(set(found["scale"][target].round(1))) == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_one_seed_is_one_data_set():
    assert torch.equal(make().x, make().x)
    assert not torch.equal(make().x, make(seed=1).x)
