import pytest
import torch

from contrast.engine.randomness import generator, seeded
from contrast_sepclr import views


def images(*shape):
    return torch.rand(8, *shape, generator=generator(0))


CASES = [
    (views.StripViews(), images(1, 8, 16), (1, 8, 16)),
    (views.SpriteViews(), images(1, 12, 12), (1, 12, 12)),
    (views.PhotoViews(), images(3, 10, 10), (3, 10, 10)),
    (views.PhotoViews(crop_side=6), images(3, 10, 12), (3, 6, 6)),
    (views.PhotoViews(), images(1, 10, 12), (1, 10, 12)),
    (views.TableViews(), images(5), (5,)),
    (views.VolumeViews(), images(1, 6, 6, 6), (1, 6, 6, 6)),
]


@pytest.mark.parametrize(("view", "x", "shape"), CASES)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_a_view_is_drawn_where_the_samples_are(view, x, shape, device):
    x = x.to(device)
    with seeded(0, "views", 0):
        first, second = view(x), view(x)
    with seeded(0, "views", 0):
        again = view(x)
    assert first.shape == (8, *shape)
    assert first.device == x.device
    assert first.dtype == x.dtype
    assert first.isfinite().all()
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_halves_of_a_strip_move_on_their_own():
    x = torch.zeros(4, 1, 8, 16)
    x[..., :8] = images(1, 8, 8)[:4]
    view = views.StripViews(noise=0)(x)
    assert (view[..., 8:] == 0).all()
    assert not torch.equal(view[..., :8], x[..., :8])


def test_a_crop_lies_inside_and_keeps_its_share_of_the_area():
    maps = views.crops(2000, torch.zeros(1), 0.3)
    sides = torch.stack([maps[:, 0, 0], maps[:, 1, 1]], 1)
    assert (sides + maps[:, [0, 1], 2].abs()).max() <= 1 + 1e-6
    assert sides.prod(1).min() >= 0.3 - 1e-6
    assert (sides[:, 0] / sides[:, 1]).max() <= 4 / 3 + 1e-6


@pytest.mark.parametrize(("flip", "share"), [(True, 0.5), (False, 0.0)])
def test_half_of_the_views_are_mirrored_if_any(flip, share):
    x = torch.linspace(0, 1, 10).expand(400, 3, 10, 10)
    view = views.PhotoViews(crop_from=0.5, flip=flip, colour=False)(x)
    mirrored = view[..., 0] > view[..., -1]
    assert abs(mirrored.float().mean() - share) < 0.1


def test_colours_stay_colours_and_a_fifth_turns_grey():
    x = images(3, 4, 4)[:1].expand(1000, -1, -1, -1)
    new = views.recoloured(x)
    assert new.min() >= 0
    assert new.max() <= 1
    grey = (new - new[:, :1]).abs().flatten(1).amax(1) < 1e-6
    assert 0.15 < grey.float().mean() < 0.25
    same = (new - x).abs().flatten(1).amax(1) == 0
    assert 0.1 < same.float().mean() < 0.22  # neither jitter (0.2) nor grey (0.8)


def test_a_turn_of_hue_keeps_grey_and_comes_round():
    grey = torch.full((2, 3, 2, 2), 0.3)
    turns = torch.tensor([0.2, -0.1])
    assert torch.allclose(views.hue_turned(grey, turns), grey, atol=1e-6)
    x = images(3, 2, 2)[:2]
    assert torch.allclose(views.hue_turned(x, torch.ones(2)), x, atol=1e-5)
    assert torch.allclose(views.hue_turned(x, torch.full((2,), 1 / 3)), x.roll(1, 1), atol=1e-5)


def test_a_share_of_a_tables_numbers_is_masked():
    x = torch.ones(2000, 10)
    view = views.TableViews(noise=0.0, masked=0.3)(x)
    assert set(view.unique().tolist()) == {0.0, 1.0}
    assert 0.27 < (view == 0).float().mean() < 0.33


def test_volumes_are_mirrored_left_to_right_alone():
    x = torch.zeros(200, 1, 8, 8, 8)
    x[:, :, 1, 1, 1] = 1000.0
    view = views.VolumeViews(noise=0.0)(x)
    heavy = view.flatten(1).amax(1) > 0
    places = [
        view.sum(dim).flatten(1).argmax(1)[heavy] for dim in ((1, 3, 4), (1, 2, 4), (1, 2, 3))
    ]
    shares = [(place > 3).float().mean() for place in places]
    assert 0.4 < shares[0] < 0.6
    assert shares[1] == shares[2] == 0
