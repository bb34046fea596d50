from dataclasses import replace

import pytest
import torch

from contrast.engine.randomness import generator
from contrast.errors import ConfigError
from contrast_sepclr import encoder
from contrast_sepclr.sampler import Batch

WIDTHS = {"common_width": 5, "salient_width": 3, "projection": 6}
PHOTO = {"crop_from": 0.5, "crop_side": 0, "flip": True, "colour": True}
MLP = {"hidden": 8, "noise": 0.1, "masked": 0.2}


def batch(*shape, dtype=torch.float32):
    if dtype == torch.uint8:
        x = torch.randint(256, (6, *shape), generator=generator(0), dtype=dtype)
    else:
        x = torch.randn(6, *shape, generator=generator(0))
    return Batch(x, torch.arange(6) < 3, torch.arange(6))


KINDS = [
    (encoder.mlp, (1, 8, 16), "strip", MLP, torch.uint8),
    (encoder.mlp, (3, 8, 8), "photo", MLP, torch.uint8),
    (encoder.mlp, (7,), "table", MLP, torch.float32),
    (encoder.mlp, (1,), "table", MLP, torch.float32),
    (encoder.mlp, (1, 4, 4, 4), "volume", MLP, torch.float32),
    (encoder.conv, (1, 8, 16), "strip", PHOTO | {"crop_from": 0.2}, torch.uint8),
    (encoder.conv, (3, 12, 12), "photo", PHOTO, torch.uint8),
    (encoder.resnet18, (3, 8, 8), "photo", PHOTO | {"crop_side": 6}, torch.uint8),
    (encoder.mlp, (1, 8, 8), "sprites", MLP, torch.uint8),
    (encoder.conv5, (1, 64, 32), "sprites", {"channels": 32, "noise": 0.1}, torch.uint8),
    (encoder.conv3d, (1, 8, 8, 8), "volume", {"noise": 0.1}, torch.float32),
]


@pytest.mark.parametrize(("make", "shape", "kind", "settings", "dtype"), KINDS)
def test_every_encoder_gives_two_views_in_two_spaces(make, shape, kind, settings, dtype):
    widths = {name: n for name, n in WIDTHS.items() if make != encoder.conv5 or n < 6}
    made, given = make(shape, kind, **widths, **settings), batch(*shape, dtype=dtype)
    form = made(given)
    assert form.z.shape == (2, 6, 5)
    assert form.salient.shape == (2, 6, 3)
    assert not torch.equal(form.z[0], form.z[1])
    (form.z.square().mean() + form.salient.square().mean()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in made.parameters())
    named = made.eval().embed(given)
    assert {name: z.shape[1] for name, z in named.items()} == {
        "common": 5, "salient": 3, "common_head": 5, "salient_head": 3
    }  # fmt: skip
    assert torch.equal(made(given).z[0], named["common_head"])


def test_spaces_of_one_dimension_work():
    made = encoder.mlp((4,), "table", 1, 1, 6, **MLP)
    assert made(batch(4)).salient.shape == (2, 6, 1)


def test_views_that_were_drawn_before_are_those_that_are_encoded():
    made, given = encoder.mlp((4,), "table", **WIDTHS, **MLP), batch(4)
    drawn = replace(given, views=made.draw_views(given))
    form = made(drawn)
    assert torch.equal(form.z[0], made.common(drawn.views[0]))
    assert torch.equal(form.salient[1], made.salient(drawn.views[1]))


def test_bytes_become_numbers_from_0_to_1():
    made = encoder.mlp((3, 8, 8), "photo", **WIDTHS, **MLP)
    x = torch.tensor([0, 255], dtype=torch.uint8)
    assert made.scaled(x).tolist() == [0.0, 1.0]
    assert made.scaled(torch.tensor([-3.0])).tolist() == [-3.0]


@pytest.mark.parametrize(
    ("make", "kind", "settings"),
    [
        (encoder.conv, "table", PHOTO),
        (encoder.resnet18, "volume", PHOTO),
        (encoder.conv3d, "photo", {"noise": 0.1}),
    ],
)
def test_an_encoder_of_other_samples_is_refused_with_their_kind(make, kind, settings):
    with pytest.raises(ConfigError, match=f"the data are of kind `{kind}`"):
        make((3, 8, 8), kind, **WIDTHS, **settings)


def test_settings_of_photos_are_refused_where_views_are_drawn_otherwise():
    with pytest.raises(ConfigError, match=r"`encoder\.crop_from` is of photos, .* kind `strip`"):
        encoder.conv((1, 28, 56), "strip", **WIDTHS, **PHOTO)
    encoder.conv((1, 28, 56), "strip", **WIDTHS, **PHOTO | {"crop_from": 0.2})


def test_the_losses_see_the_representation_itself_where_there_is_no_projector():
    made = encoder.conv5((1, 32, 32), "sprites", 5, 3, channels=32, noise=0.1).eval()
    named = made.embed(batch(1, 32, 32, dtype=torch.uint8))
    assert torch.equal(named["salient"], named["salient_head"])


def test_the_paper_s_channels_are_halved_layer_by_layer():
    made = encoder.conv5((1, 64, 64), "sprites", 5, 3, channels=512, noise=0.1)
    wide = [each.out_channels for each in made.common.body if isinstance(each, torch.nn.Conv2d)]
    assert wide == [512, 256, 128, 64, 32]
    assert made.common.body[-3].in_features == 128


def test_images_too_small_to_be_halved_five_times_are_refused():
    with pytest.raises(ConfigError, match=r"needs 32 pixels a side, got \(8, 16\)"):
        encoder.conv5((1, 8, 16), "strip", 5, 3, channels=32, noise=0.1)
