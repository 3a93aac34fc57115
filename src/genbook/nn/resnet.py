"""What networks for images are made of: the residual block, and attention between pixels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.attention import Attention
from genbook.nn.layers import group_norm, zero_

__all__ = ["PixelAttention", "ResidualBlock"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a skip connection; the embedding is added between them.

    Args:
        inputs, outputs: channels.
        features: of the embedding; 0 for a block that is told nothing.
        eps: of the group normalisations.

    Shapes: x ``(B, inputs, H, W)``, embedding ``(B or 1, features)`` -> ``(B, outputs, H, W)``. The
    embedding comes activated (``silu``): the network does that once for all blocks. The last
    convolution starts at zero, so the untrained block passes its input on.

    Source: Ho et al. 2020, appendix B (after the wide ResNet of PixelCNN++).
    """

    def __init__(self, inputs: int, outputs: int, features: int = 0, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm1 = group_norm(inputs, eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.embed = nn.Linear(features, outputs) if features else None
        self.norm2 = group_norm(outputs, eps)
        self.conv2 = zero_(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None = None) -> Tensor:
        """Raises:
        ValueError: for an embedding that is missing, or that nobody reads.
        """
        embed = self.embed
        if (embedding is None) != (embed is None):
            asked = "no embedding" if embed is None else f"an embedding of {embed.in_features}"
            given = "none" if embedding is None else f"one of shape {tuple(embedding.shape)}"
            raise ValueError(f"this block takes {asked}, got {given}")
        h = self.conv1(F.silu(self.norm1(x)))
        if embed is not None:
            h = h + embed(embedding)[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return self.skip(x) + h


class PixelAttention(nn.Module):
    """Attention between the pixels of a feature map, then to a context, with skip connections.

    Args:
        channels: of the feature map.
        heads: as in ``Attention``.
        context: width of the context's tokens; 0 for self-attention only.
        eps: of the group normalisations.

    Shapes: x ``(B, channels, H, W)``, context ``(B, L, context)`` -> the shape of x. The last
    layers start at zero, so the untrained block passes its input on.

    Source: Ho et al. 2020, appendix B; context: Rombach et al. 2022, section 3.3.
    """

    def __init__(self, channels: int, heads: int = 4, context: int = 0, eps: float = 1e-5) -> None:
        super().__init__()
        self.norm = group_norm(channels, eps)
        self.attend = Attention(channels, heads)
        zero_(self.attend.to_out)
        self.look = None
        if context:
            self.norm_look = group_norm(channels, eps)
            self.look = Attention(channels, heads, context)
            zero_(self.look.to_out)

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        if self.look is None and context is not None:
            raise ValueError("this attention takes no context: build it with context=width")
        x = x + pixels(self.attend(tokens(self.norm(x))), x)
        if self.look is not None:
            x = x + pixels(self.look(tokens(self.norm_look(x)), context), x)
        return x


def tokens(x: Tensor) -> Tensor:
    """A feature map ``(B, C, H, W)`` as a sequence ``(B, H W, C)``, row by row."""
    return x.flatten(2).transpose(1, 2)


def pixels(h: Tensor, x: Tensor) -> Tensor:
    """A sequence ``(B, H W, C)`` as a feature map in the shape of ``x``."""
    return h.transpose(1, 2).reshape(x.shape)
