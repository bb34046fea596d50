"""Two encoders side by side, common and salient, each with a projector that only the loss sees."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

from contrast.errors import ConfigError
from contrast_sepclr.form import Spaces
from contrast_sepclr.resnet import ResNet18
from contrast_sepclr.sampler import Batch
from contrast_sepclr.settings import PhotoSettings
from contrast_sepclr.views import PhotoViews, SpriteViews, StripViews, TableViews, VolumeViews

CROPS = ("crop_from", "crop_side", "flip", "colour")  # settings of the views of photos

LEAST_CHANNELS = 32  # of a layer of `conv5`, however few the first has


class Tower(nn.Module):
    """A body that gives the representation, and the projector on it: Linear, BN, ReLU, Linear.

    A projection of 0 units is none: the losses see the representation itself.
    """

    def __init__(self, body: nn.Module, width: int, projection: int) -> None:
        super().__init__()
        self.body = body
        layers: list[nn.Module] = []
        if projection:
            layers = [nn.Linear(width, projection), nn.BatchNorm1d(projection), nn.ReLU()]
            layers.append(nn.Linear(projection, width))
        self.projector = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """The head, (N, width)."""
        return self.projector(self.body(x))


class PairEncoder(nn.Module):
    """Both towers on two views of each sample; batch norm sees one view at a time.

    Users get the representations `common` and `salient` of the sample as it is, and the heads.
    `clean_first`: the first view is the sample as it is, and the salient space sees it alone, as
    the supervised variant asks.
    """

    mixes_rows = True  # batch norm
    clean_first = False

    def __init__(
        self,
        body: Callable[[int], nn.Module],
        views: nn.Module,
        common: int,
        salient: int,
        hidden: int,
    ) -> None:
        super().__init__()
        self.views = views
        self.common = Tower(body(common), common, hidden)
        self.salient = Tower(body(salient), salient, hidden)

    def forward(self, batch: Batch) -> Spaces:
        """Both spaces of the batch's views; of new ones where it has none yet."""
        views = batch.views or self.draw_views(batch)
        salient = views[:1] if self.clean_first else views
        return Spaces(
            torch.stack([self.common(view) for view in views]),
            ids=batch.rows,
            targets=batch.attributes,
            known=batch.known,
            salient=torch.stack([self.salient(view) for view in salient]),
            is_target=batch.is_target,
        )

    def draw_views(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Two random views while training, the sample twice otherwise."""
        x = self.scaled(batch.x)
        if not self.training:
            return x, x
        return x if self.clean_first else self.views(x), self.views(x)

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Representations and heads of the samples as they are."""
        x = self.scaled(batch.x)
        common, salient = self.common.body(x), self.salient.body(x)
        heads = self.common.projector(common), self.salient.projector(salient)
        names = ("common", "salient", "common_head", "salient_head")
        return dict(zip(names, (common, salient, *heads), strict=True))

    def scaled(self, x: Tensor) -> Tensor:
        """Bytes as 0..1 in the encoder's precision; numbers as they are."""
        like = next(self.parameters())
        return x.to(like) / 255 if x.dtype == torch.uint8 else x.to(like)


def mlp(
    shape: tuple[int, ...],
    kind: str,
    common_width: int,
    salient_width: int,
    projection: int,
    hidden: int,
    noise: float,
    masked: float,
) -> PairEncoder:
    """Perceptrons of two hidden layers with batch norm, over any kind of sample."""

    def body(width: int) -> nn.Module:
        layers: list[nn.Module] = [nn.Flatten()]
        for given in (prod(shape), hidden):
            layers += [nn.Linear(given, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(hidden, width))

    views = {
        "strip": StripViews(noise),
        "sprites": SpriteViews(noise),
        "photo": PhotoViews(crop_from=0.5, flip=False, colour=False),
        "table": TableViews(noise, masked),
        "volume": VolumeViews(noise),
    }[kind]
    return PairEncoder(body, views, common_width, salient_width, projection)


def conv(
    shape: tuple[int, ...],
    kind: str,
    common_width: int,
    salient_width: int,
    projection: int,
    crop_from: float,
    crop_side: int,
    flip: bool,
    colour: bool,
) -> PairEncoder:
    """Four convolutions (16, 32, 32, 64 channels, strides 2, 1, 2, 2) and the mean over places."""

    def body(width: int) -> nn.Module:
        layers = _convolutions(nn.Conv2d, nn.BatchNorm2d, shape[0], (2, 1, 2, 2))
        pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(*layers, *pool, nn.Linear(64, width))

    views = photo_views(kind, "conv", _crops(kind, crop_from, crop_side, flip, colour))
    return PairEncoder(body, views, common_width, salient_width, projection)


def resnet18(
    shape: tuple[int, ...],
    kind: str,
    common_width: int,
    salient_width: int,
    projection: int,
    crop_from: float,
    crop_side: int,
    flip: bool,
    colour: bool,
) -> PairEncoder:
    """Two ResNet-18 for small images."""
    views = photo_views(kind, "resnet18", _crops(kind, crop_from, crop_side, flip, colour))
    bodies = lambda width: ResNet18(shape[0], width)  # noqa: E731
    return PairEncoder(bodies, views, common_width, salient_width, projection)


def conv5(
    shape: tuple[int, ...],
    kind: str,
    common_width: int,
    salient_width: int,
    channels: int,
    noise: float,
) -> PairEncoder:
    """Five 4 x 4 convolutions of stride 2, then two linear layers that know places; no batch norm.

    The paper's of the sprites, where the losses see the representation itself.

    Raises: ConfigError: samples are no images, or of fewer than 32 pixels a side.
    """
    views = photo_views(kind, "conv5", PhotoViews(crop_from=0.5, flip=False, colour=False), noise)
    if min(shape[1:]) < 32:
        raise ConfigError(
            f"encoder `conv5` halves images five times and needs 32 pixels a side, got {shape[1:]}"
            "\nSet `encoder=conv` or `encoder=mlp`."
        )

    def body(width: int) -> nn.Module:
        layers: list[nn.Module] = []
        given = shape[0]
        for halvings in range(5):
            wide = max(channels >> halvings, LEAST_CHANNELS)
            layers += [nn.Conv2d(given, wide, 4, 2, 1), nn.ReLU()]
            given = wide
        places = prod(side // 32 for side in shape[1:])
        tail = (nn.Linear(given * places, 128), nn.ReLU(), nn.Linear(128, width))
        return nn.Sequential(*layers, nn.Flatten(), *tail)

    return PairEncoder(body, views, common_width, salient_width, hidden=0)


def conv3d(
    shape: tuple[int, ...],
    kind: str,
    common_width: int,
    salient_width: int,
    projection: int,
    noise: float,
) -> PairEncoder:
    """Four 3-D convolutions of stride 2 (16, 32, 32, 64 channels) and the mean over places.

    Raises: ConfigError: samples are no volumes.
    """
    if kind != "volume":
        raise ConfigError(f"encoder `conv3d` reads volumes, the data are of kind `{kind}`")

    def body(width: int) -> nn.Module:
        layers = _convolutions(nn.Conv3d, nn.BatchNorm3d, shape[0], (2, 2, 2, 2))
        pool = (nn.AdaptiveAvgPool3d(1), nn.Flatten())
        return nn.Sequential(*layers, *pool, nn.Linear(64, width))

    return PairEncoder(body, VolumeViews(noise), common_width, salient_width, projection)


def photo_views(kind: str, name: str, views: PhotoViews, noise: float = 0.1) -> nn.Module:
    """The views of photos, of strips, or of sprites.

    Raises: ConfigError: samples are no images.
    """
    known = {"photo": views, "strip": StripViews(noise), "sprites": SpriteViews(noise)}
    if kind not in known:
        raise ConfigError(
            f"encoder `{name}` reads images, the data are of kind `{kind}`\n"
            "Set `encoder=mlp`, or `encoder=conv3d` for volumes."
        )
    return known[kind]


def _crops(kind: str, crop_from: float, crop_side: int, flip: bool, colour: bool) -> PhotoViews:
    """The views of photos.    Raises: ConfigError: they are set, and samples are no photos."""
    given = PhotoSettings(crop_from=crop_from, crop_side=crop_side, flip=flip, colour=colour)
    changed = [name for name in CROPS if getattr(given, name) != getattr(PhotoSettings(), name)]
    if changed and kind in ("strip", "sprites"):
        raise ConfigError(
            f"`encoder.{changed[0]}` is of photos, the data are of kind `{kind}`, whose views are "
            "drawn otherwise\nLeave it out, or give photos: `data=folders` or `data=cifar`."
        )
    return PhotoViews(crop_from, crop_side, flip, colour)


def _convolutions(conv: type, norm: type, channels: int, strides: tuple[int, ...]) -> list:
    layers: list[nn.Module] = []
    for wide, stride in zip((16, 32, 32, 64), strides, strict=True):
        layers += [conv(channels, wide, 3, stride, 1, bias=False), norm(wide), nn.ReLU()]
        channels = wide
    return layers
