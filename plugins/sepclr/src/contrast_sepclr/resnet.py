"""ResNet-18 for small images: a 3 x 3 first convolution and no pooling after it."""

from __future__ import annotations

from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions and a way around them (arXiv:1512.03385)."""

    def __init__(self, given: int, wide: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(given, wide, 3, stride, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, 1, 1, bias=False),
            nn.BatchNorm2d(wide),
        )
        self.around = nn.Sequential()
        if stride > 1 or given != wide:
            self.around = nn.Sequential(
                nn.Conv2d(given, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Shapes:  x: (N, given, H, W);  (N, wide, H / stride, W / stride) comes back."""
        return (self.main(x) + self.around(x)).relu()


class ResNet18(nn.Module):
    """Four stages of two blocks, the mean over places, and a linear layer to `width`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()
        )
        wide = (64, 64, 64, 128, 128, 256, 256, 512, 512)
        self.blocks = nn.Sequential(
            *(Block(wide[i], wide[i + 1], 1 + (wide[i + 1] > wide[i])) for i in range(8))
        )
        self.fc = nn.Linear(512, width)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes:  x: (N, channels, H, W);  (N, width) comes back."""
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))
