"""The classifier of the handwritten digits: the judge of the book's samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.config import configure
from genbook.nn.layers import group_norm

__all__ = ["Classifier", "ClassifierConfig"]


@dataclass(frozen=True)
class ClassifierConfig:
    """Configuration of a ``Classifier``.

    Args:
        channels: of the image.
        size: height and width of the image, a multiple of 4.
        width: channels of the first convolution.
        features: of the last hidden layer.
        classes: of the output.
    """

    channels: int = 1
    size: int = 8
    width: int = 32
    features: int = 32
    classes: int = 10

    def __post_init__(self) -> None:
        if self.size % 4:
            raise ValueError(f"size must be a multiple of 4, not {self.size}")


class Classifier(nn.Module):
    """A small convolutional network for 8x8 images whose last hidden layer serves as features.

    The feature layer is narrow on purpose: the Fréchet distance of n samples has a bias that grows
    with the number of entries of the covariance matrix, ``features^2``.

    ``Classifier(config)`` or ``Classifier(width=8, …)``: see ``ClassifierConfig``.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__()
        config = self.config = configure(ClassifierConfig, settings, named)
        width = config.width
        self.shape = (config.channels, config.size, config.size)
        self.conv1 = nn.Conv2d(config.channels, width, 3, padding=1)
        self.norm1 = group_norm(width)
        self.conv2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.norm2 = group_norm(2 * width)
        self.conv3 = nn.Conv2d(2 * width, 2 * width, 3, padding=1)
        self.norm3 = group_norm(2 * width)
        self.hidden = nn.Linear(2 * width * (config.size // 4) ** 2, config.features)
        self.out = nn.Linear(config.features, config.classes)

    def features(self, x: Tensor) -> Tensor:
        """Features ``(B, features)`` of images ``(B, channels, size, size)`` in [-1, 1]."""
        if x.ndim != 4 or tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"x must have shape (B, {self.shape}), not {tuple(x.shape)}")
        h = F.silu(self.norm1(self.conv1(x)))
        h = F.max_pool2d(F.silu(self.norm2(self.conv2(h))), 2)
        h = F.max_pool2d(F.silu(self.norm3(self.conv3(h))), 2)
        return F.silu(self.hidden(h.flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(B, classes)`` of images ``(B, channels, size, size)`` in [-1, 1]."""
        return self.out(self.features(x))
