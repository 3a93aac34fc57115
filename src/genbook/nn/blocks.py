"""The parts that the book's networks are made of: time embedding, residual block, attention.

Every part is a few lines of PyTorch with the shapes of what goes in and comes out. `unet.py` puts
them together.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "ResidualBlock", "TimeEmbedding", "group_norm", "zero_"]


def zero_(module: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Set weight and bias of `module` to zero, so that a residual branch starts as the identity."""
    nn.init.zeros_(module.weight)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
    return module


def group_norm(channels: int) -> nn.GroupNorm:
    """Group normalisation (Wu and He 2018) with groups of at least four channels, at most 32
    groups.
    """
    groups = max(g for g in range(1, 33) if channels % g == 0 and (channels // g >= 4 or g == 1))
    return nn.GroupNorm(groups, channels)


class TimeEmbedding(nn.Module):
    """Time as a vector: cosines and sines of `width / 2` frequencies, then a two-layer network.

    The frequencies fall geometrically from 1 to 1/10000, so the slowest turns once in 62 832 steps
    and the fastest tells neighbouring steps apart. t `(B,)`, in steps 0..T -> `(B, features)`.

    Source: Vaswani et al. 2017, section 3.5; Ho et al. 2020, appendix B.
    """

    frequencies: Tensor

    def __init__(self, width: int, features: int) -> None:
        super().__init__()
        half = width // 2
        exponents = torch.arange(half, dtype=torch.float32) / half
        self.register_buffer(
            "frequencies", torch.exp(-math.log(10_000.0) * exponents), persistent=False
        )
        self.inner = nn.Linear(2 * half, features)
        self.outer = nn.Linear(features, features)

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None].to(self.frequencies.dtype) * self.frequencies
        waves = torch.cat([angles.cos(), angles.sin()], dim=1)
        return self.outer(F.silu(self.inner(waves)))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip connection; the embedding is added between them.

    x `(B, inputs, H, W)`, embedding `(B or 1, features)` -> `(B, outputs, H, W)`. The last
    convolution starts at zero, so the untrained block passes its input on.

    Source: Ho et al. 2020, appendix B (after the wide ResNet of PixelCNN++).
    """

    def __init__(self, inputs: int, outputs: int, features: int) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embed = nn.Linear(features, outputs)
        self.norm2 = group_norm(outputs)
        self.conv2 = zero_(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.embed(embedding)[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return self.skip(x) + h


class Attention(nn.Module):
    """Self-attention between the pixels of a feature map, with a skip connection.

    softmax(Q K^T / sqrt(d)) V with d = `channels / heads`; `(B, C, H, W)` -> the same shape.

    Source: Vaswani et al. 2017, equation 1; Ho et al. 2020, appendix B.
    """

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"channels={channels} cannot be divided among heads={heads}")
        self.heads = heads
        self.norm = group_norm(channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zero_(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        qkv = self.qkv(self.norm(x)).view(batch, 3, self.heads, channels // self.heads, -1)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # each (B, heads, H W, d)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.out(mixed.transpose(-1, -2).reshape(batch, channels, height, width))
