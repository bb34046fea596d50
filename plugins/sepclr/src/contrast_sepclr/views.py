"""Random views of samples, drawn on the device that holds them, as dropout is."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

GREY = (0.299, 0.587, 0.114)


class StripViews(nn.Module):
    """Each half of a strip turned, scaled and shifted on its own, then noise."""

    def __init__(self, noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """A view.     Shapes:  x: (N, 1, H, 2 H) in 0..1; the same comes back."""
        halves = torch.cat(x.chunk(2, dim=3))
        maps = affine(len(halves), x, angle_rad=0.25, scale=0.15, shift=0.12)
        moved = grid_sample(halves, affine_grid(maps, halves.shape, False), align_corners=False)
        view = torch.cat(moved.chunk(2), dim=3)
        return view + self.noise * torch.randn_like(view)


class SpriteViews(nn.Module):
    """A crop of half the area or more, a turn of up to 25 degrees, a mirror image, and noise."""

    def __init__(self, noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """A view.     Shapes:  x: (N, C, H, W) in 0..1; the same comes back."""
        n, maps = len(x), crops(len(x), x, 0.5)
        turns = affine(n, x, angle_rad=math.radians(25), scale=0, shift=0)[:, :, :2]
        turns[:, :, 0] *= 1 - 2 * (torch.rand(n, 1, device=x.device) < 0.5).to(x)
        maps[:, :, :2] = maps[:, :, :2] @ turns
        view = grid_sample(x, affine_grid(maps, x.shape, False), align_corners=False)
        return view + self.noise * torch.randn_like(view)


class PhotoViews(nn.Module):
    """A resized crop, a mirror image in half of the cases, other colours, no colour now and then.

    Differs: jitter is drawn for each sample, in one order of brightness, contrast, saturation and
    hue; the official code draws it once a batch, in a random order.
    """

    def __init__(
        self, crop_from: float = 0.2, crop_side: int = 0, flip: bool = True, colour: bool = True
    ) -> None:
        super().__init__()
        self.crop_from, self.crop_side = crop_from, crop_side
        self.flip, self.colour = flip, colour

    def forward(self, x: Tensor) -> Tensor:
        """A view.     Shapes:  x: (N, C, H, W) in 0..1;  (N, C, side, side) comes back."""
        maps = crops(len(x), x, self.crop_from)
        if self.flip:
            sign = 1 - 2 * (torch.rand(len(x), device=x.device) < 0.5).to(x)
            maps[:, 0, 0] *= sign
        side = (self.crop_side, self.crop_side) if self.crop_side else x.shape[2:]
        grid = affine_grid(maps, [len(x), x.shape[1], *side], False)
        view = grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        return recoloured(view) if self.colour and x.shape[1] == 3 else view


class TableViews(nn.Module):
    """Noise on standardised numbers, and some of them replaced by their mean, 0."""

    def __init__(self, noise: float = 0.1, masked: float = 0.2) -> None:
        super().__init__()
        self.noise, self.masked = noise, masked

    def forward(self, x: Tensor) -> Tensor:
        """A view.     Shapes:  x: (N, F); the same comes back."""
        kept = torch.rand_like(x) >= self.masked
        return (x + self.noise * torch.randn_like(x)) * kept


class VolumeViews(nn.Module):
    """A shift of up to a tenth, a scale of up to 15 %, a mirror image left to right, and noise."""

    def __init__(self, noise: float = 0.1) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x: Tensor) -> Tensor:
        """A view.     Shapes:  x: (N, 1, D, H, W); the same comes back."""
        n = len(x)
        maps = torch.zeros(n, 3, 4, device=x.device, dtype=x.dtype)
        scale = between(n, x, 0.85, 1.15)
        for axis in range(3):
            maps[:, axis, axis] = scale
            maps[:, axis, 3] = between(n, x, -0.2, 0.2)
        maps[:, 2, 2] *= 1 - 2 * (torch.rand(n, device=x.device) < 0.5).to(x)
        view = grid_sample(x, affine_grid(maps, x.shape, False), align_corners=False)
        return view + self.noise * torch.randn_like(view)


def between(n: int, like: Tensor, low: float, high: float) -> Tensor:
    """n uniform numbers, on the device and of the kind of `like`."""
    return low + (high - low) * torch.rand(n, device=like.device, dtype=like.dtype)


def affine(n: int, like: Tensor, *, angle_rad: float, scale: float, shift: float) -> Tensor:
    """n maps, (n, 2, 3), of at most that angle, relative scale and shift as a share of the side."""
    turn, size = between(n, like, -angle_rad, angle_rad), between(n, like, 1 - scale, 1 + scale)
    right, down = (2 * between(n, like, -shift, shift) for _ in range(2))
    cos, sin = turn.cos() / size, turn.sin() / size
    return torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)


def crops(n: int, like: Tensor, least: float) -> Tensor:
    """n maps onto crops inside the image, of that share of its area or more, sides 3:4 to 4:3.

    A side that would stand over is cut, which leaves three quarters of the area at least.
    """
    area = between(n, like, least, 1.0)
    ratio = between(n, like, -math.log(4 / 3), math.log(4 / 3)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    maps = torch.zeros(n, 2, 3, device=like.device, dtype=like.dtype)
    for axis, size in enumerate((width, height)):
        maps[:, axis, axis] = size
        maps[:, axis, 2] = between(n, like, -1.0, 1.0) * (1 - size)
    return maps


def recoloured(x: Tensor) -> Tensor:
    """Jitter (0.4, 0.4, 0.4, 0.1) in 0.8 of the samples, then grey in 0.2.    x: (N, 3, H, W)."""
    n, weights = len(x), torch.tensor(GREY, device=x.device, dtype=x.dtype)[:, None, None]

    def amount() -> Tensor:
        return between(n, x, 0.6, 1.4)[:, None, None, None]

    def grey(image: Tensor) -> Tensor:
        return (image * weights).sum(1, keepdim=True)

    new = (x * amount()).clamp(0, 1)
    mean, by = grey(new).mean((2, 3), keepdim=True), amount()
    new = (mean + by * (new - mean)).clamp(0, 1)
    new = (grey(new) + amount() * (new - grey(new))).clamp(0, 1)
    new = hue_turned(new, between(n, x, -0.1, 0.1)).clamp(0, 1)
    new = torch.where(torch.rand(n, 1, 1, 1, device=x.device) < 0.8, new, x)
    return torch.where(torch.rand(n, 1, 1, 1, device=x.device) < 0.2, grey(new).expand_as(new), new)


def hue_turned(x: Tensor, turns: Tensor) -> Tensor:
    """Colours rotated about the grey axis by a share of the circle, (N,): a linear turn of hue."""
    angle = 2 * math.pi * turns
    cos, sin = angle.cos(), angle.sin() / math.sqrt(3)
    eye = torch.eye(3, device=x.device, dtype=x.dtype)
    cross = x.new_tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    turn = cos[:, None, None] * eye + ((1 - cos) / 3)[:, None, None] + sin[:, None, None] * cross
    return torch.einsum("nij,njhw->nihw", turn, x)
