"""The book's U-Net: small, told the time and a class or a text, readable from top to bottom.

An image goes down through levels of shrinking resolution, through a middle, and up again; every
block on the way up also sees what the block of the same level saw on the way down.

The way down and the middle are a class of their own, ``UNetEncoder``: ControlNet is a copy of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.config import configure
from genbook.nn.embeddings import LabelEmbedding, TimeEmbedding, per_image
from genbook.nn.layers import group_norm, zero_
from genbook.nn.resnet import PixelAttention, ResidualBlock

__all__ = ["Told", "UNet", "UNetConfig", "UNetEncoder"]


@dataclass(frozen=True)
class UNetConfig:
    """Configuration of a ``UNet``.

    Args:
        channels: of the image.
        base: width of the first level, a multiple of 4.
        multipliers: one level each; level i has ``base * multipliers[i]`` channels and 1 / 2^i of
            the resolution (after the patches).
        blocks: residual blocks a level, down and up each.
        classes: number of class labels, 0 for none. The label ``classes`` itself (one past the
            last) is the *null class*, meaning "no label": ``cond=None`` is the same.
        patch: side of the squares of pixels that are folded into channels first (space to depth).
            With 2 a level costs a quarter; 1 folds nothing.
        out_channels: of the output; None for ``channels``. Twice that leaves room for a learned
            variance.
        attention: whether there is attention in the middle.
        attention_levels: levels whose blocks are followed by attention, down and up; there is some
            in the middle then, too.
        heads: of every attention.
        context: width of a text's tokens, 0 for none. Every attention then looks at the text, too.
        time_scale: as in ``TimeEmbedding``: 1 for steps 0..1000, 1000 for times in [0, 1].

    Raises:
        ValueError: for values that make no network.
    """

    channels: int = 1
    base: int = 32
    multipliers: Sequence[int] = (1, 2)
    blocks: int = 1
    classes: int = 0
    patch: int = 1
    out_channels: int | None = None
    attention: bool = False
    attention_levels: Sequence[int] = ()
    heads: int = 4
    context: int = 0
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        # A card is JSON and has lists.
        for name in ("multipliers", "attention_levels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.base % 4 or self.base < 4:
            raise ValueError(f"base must be a positive multiple of 4, not {self.base}")
        if not self.multipliers or min(self.blocks, self.patch) < 1 or self.classes < 0:
            raise ValueError(
                "multipliers must not be empty, blocks and patch at least 1, classes at least 0; "
                f"got multipliers={self.multipliers}, blocks={self.blocks}, patch={self.patch}, "
                f"classes={self.classes}"
            )
        levels = len(self.multipliers)
        if not all(0 <= level < levels for level in self.attention_levels):
            raise ValueError(
                f"attention_levels must be in 0..{levels - 1}, not {self.attention_levels}"
            )
        if self.context and self.classes:
            raise ValueError(
                f"a network is told a class or a text, not both: classes={self.classes}, "
                f"context={self.context}"
            )
        if self.context and not self.attention and not self.attention_levels:
            raise ValueError(
                f"with context={self.context} the network needs attention to look at it: set "
                "attention=True or attention_levels"
            )

    @property
    def stride(self) -> int:
        """What height and width must be multiples of."""
        return self.patch * 2 ** (len(self.multipliers) - 1)


class Told(NamedTuple):
    """What all blocks are told: time and class as a vector, and the tokens of a text."""

    embedding: Tensor  # (B, features), or (1, features) if it is equal for all; activated
    context: Tensor | None  # (B, L, context)


class Block(ResidualBlock):
    """A residual block and, on some levels, attention after it."""

    def __init__(self, config: UNetConfig, inputs: int, outputs: int, attention: bool) -> None:
        super().__init__(inputs, outputs, 4 * config.base)
        self.attend = PixelAttention(outputs, config.heads, config.context) if attention else None

    def forward(self, x: Tensor, told: Told) -> Tensor:  # type: ignore[override]
        x = super().forward(x, told.embedding)
        return x if self.attend is None else self.attend(x, told.context)


class UNetEncoder(nn.Module):
    """The first half of a U-Net: the way down and the middle.

    ``UNetEncoder(config)`` or ``UNetEncoder(base=16, …)``: see ``UNetConfig``.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__()
        config = self.config = configure(UNetConfig, settings, named)
        features = 4 * config.base
        self.time = TimeEmbedding(2 * config.base, features, config.time_scale)
        self.label = LabelEmbedding(config.classes, features) if config.classes else None

        widths = [config.base * m for m in config.multipliers]
        self.enter = nn.Conv2d(config.channels * config.patch**2, widths[0], 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        width = widths[0]
        for level, wider in enumerate(widths):
            for _ in range(config.blocks):
                self.down.append(Block(config, width, wider, level in config.attention_levels))
                width = wider
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
        attention = config.attention or bool(config.attention_levels)
        self.middle1 = Block(config, width, width, attention)
        self.middle2 = Block(config, width, width, attention=False)

    def tell(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None = None) -> Told:
        """Time and condition in the form that blocks take them; arguments as in ``UNet.forward``.

        Raises:
            ValueError: for a shape that does not fit, labels out of range, a condition that this
                network does not take, or a text that is missing.
        """
        config = self.config
        if (
            x.ndim != 4
            or x.shape[1] != config.channels
            or any(n % config.stride for n in x.shape[2:])
        ):
            raise ValueError(
                f"x must have shape (B, {config.channels}, H, W) with H and W multiples of "
                f"{config.stride}, not {tuple(x.shape)}"
            )
        embedding = self.time(per_image(t, x))
        if config.context:
            if cond is None:
                raise ValueError(
                    f"this network is told a text: cond must have shape ({len(x)}, L, "
                    f"{config.context}); for no text give the embedding of an empty one"
                )
            return Told(F.silu(embedding), cond)
        if self.label is None:
            if cond is not None:
                raise ValueError("this network has no classes: cond must be None")
            return Told(F.silu(embedding), None)
        if cond is not None and cond.shape != x.shape[:1]:
            raise ValueError(f"cond must have shape ({len(x)},), not {tuple(cond.shape)}")
        return Told(F.silu(embedding + self.label(cond)), None)

    def encode(self, x: Tensor, told: Told) -> tuple[Tensor, list[Tensor]]:
        """The way down and the middle.

        Args:
            x: ``(B, channels, H, W)``.
            told: what ``tell`` made of time and condition.

        Returns:
            The middle's feature map ``h``, and what every block on the way down gave (``skips``).
        """
        h = self.enter(F.pixel_unshuffle(x, self.config.patch) if self.config.patch > 1 else x)
        skips = []
        for i, block in enumerate(self.down):
            if i and i % self.config.blocks == 0:
                h = self.shrink[i // self.config.blocks - 1](h)
            h = block(h, told)
            skips.append(h)
        return self.middle2(self.middle1(h, told), told), skips


class UNet(UNetEncoder):
    r"""A U-Net $\epsilon_\theta(x_t, t, c)$ for small images, told the time and a class or a text.

    ``UNet(config)`` or ``UNet(channels=1, base=32, …)``: see ``UNetConfig``.

    Source: Ronneberger et al. 2015; Ho et al. 2020, appendix B; null class: Ho and Salimans 2022;
    text: Rombach et al. 2022.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__(*settings, **named)
        config = self.config
        widths = [config.base * m for m in config.multipliers]
        skips = [width for width in widths for _ in range(config.blocks)]
        width = widths[-1]
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, narrower in reversed(list(enumerate(widths))):
            attention = level in config.attention_levels
            for _ in range(config.blocks):
                self.up.append(Block(config, width + skips.pop(), narrower, attention))
                width = narrower
            if level > 0:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm = group_norm(width)
        out_channels = config.channels if config.out_channels is None else config.out_channels
        self.leave = zero_(nn.Conv2d(width, out_channels * config.patch**2, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None = None) -> Tensor:
        """Predict from noisy images.

        Args:
            x: ``(B, channels, H, W)``; H and W multiples of ``patch * 2^(levels - 1)``.
            t: a number or a tensor ``(B,)``; ``time_scale`` times it is about 0..1000.
            cond: with classes, labels ``(B,)``, int64 in 0..classes, where ``classes`` is the null
                class; None is the null class for all. With a context, a text ``(B, L, context)``.

        Returns:
            ``(B, out_channels, H, W)``.

        Raises:
            ValueError: for what does not fit: see ``tell``.
        """
        told = self.tell(x, t, cond)
        h, skips = self.encode(x, told)
        return self.decode(h, skips, told)

    def decode(self, h: Tensor, skips: list[Tensor], told: Told) -> Tensor:
        """The way up: from what ``encode`` gave to ``(B, out_channels, H, W)``.

        The skips are taken off the list when they are used, and their memory is free.

        Raises:
            ValueError: for another number of skips than the network has blocks on its way up.
        """
        blocks, patch = self.config.blocks, self.config.patch
        if len(skips) != len(self.up):
            raise ValueError(f"decode needs {len(self.up)} skips, got {len(skips)}")
        for i, block in enumerate(self.up):
            if i and i % blocks == 0:
                h = self.grow[i // blocks - 1](F.interpolate(h, scale_factor=2.0))
            h = block(torch.cat([h, skips.pop()], dim=1), told)
        h = self.leave(F.silu(self.norm(h)))
        return F.pixel_shuffle(h, patch) if patch > 1 else h
