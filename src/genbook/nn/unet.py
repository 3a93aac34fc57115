"""The book's U-Net: small, class-conditional, readable from top to bottom.

An image goes down through levels of shrinking resolution, through a middle, and up again; every
block on the way up also sees what the block of the same level saw on the way down.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import Attention, ResidualBlock, TimeEmbedding, group_norm, zero_

__all__ = ["UNet"]


class UNet(nn.Module):
    r"""A U-Net $\epsilon_\theta(x_t, t, c)$ for small images, with time and class as conditions.

    Args:
        channels: of the image.
        base: width of the first level.
        multipliers: one level each; level i has `base * multipliers[i]` channels and 1 / 2^i of the
            resolution (after the patches).
        blocks: residual blocks a level, down and up each.
        classes: number of class labels, 0 for an unconditional network. The label `classes` itself
            (one past the last) is the *null class*, meaning "no label": `cond=None` is the same.
        patch: side of the squares of pixels that are folded into channels first (space to depth).
            With 2 a level costs a quarter; 1 folds nothing.
        out_channels: of the output; default `channels`. Twice that leaves room for a learned
            variance.
        attention: self-attention in the middle.

    Source: Ronneberger et al. 2015; Ho et al. 2020, appendix B; null class: Ho and Salimans 2022.
    """

    def __init__(
        self,
        channels: int = 1,
        base: int = 32,
        multipliers: Sequence[int] = (1, 2),
        blocks: int = 1,
        classes: int = 0,
        patch: int = 1,
        out_channels: int | None = None,
        attention: bool = False,
    ) -> None:
        super().__init__()
        if base % 4 or base < 4:
            raise ValueError(f"base must be a positive multiple of 4, not {base}")
        if not multipliers or blocks < 1 or patch < 1 or classes < 0:
            raise ValueError(
                "multipliers must not be empty, blocks and patch at least 1, classes at least 0; "
                f"got {multipliers=}, {blocks=}, {patch=}, {classes=}"
            )
        out_channels = channels if out_channels is None else out_channels
        self.config: dict[str, Any] = {
            "channels": channels,
            "base": base,
            "multipliers": list(multipliers),
            "blocks": blocks,
            "classes": classes,
            "patch": patch,
            "out_channels": out_channels,
            "attention": attention,
        }
        self.channels, self.patch, self.classes = channels, patch, classes
        self.stride = patch * 2 ** (len(multipliers) - 1)
        features = 4 * base
        self.time = TimeEmbedding(2 * base, features)
        self.label = nn.Embedding(classes + 1, features) if classes else None

        widths = [base * m for m in multipliers]
        self.enter = nn.Conv2d(channels * patch**2, widths[0], 3, padding=1)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        width, skips = widths[0], []
        for level, wider in enumerate(widths):
            for _ in range(blocks):
                self.down.append(ResidualBlock(width, wider, features))
                width = wider
                skips.append(width)
            if level < len(widths) - 1:
                self.shrink.append(nn.Conv2d(width, width, 3, stride=2, padding=1))

        self.middle1 = ResidualBlock(width, width, features)
        self.attend = Attention(width) if attention else nn.Identity()
        self.middle2 = ResidualBlock(width, width, features)

        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, narrower in reversed(list(enumerate(widths))):
            for _ in range(blocks):
                self.up.append(ResidualBlock(width + skips.pop(), narrower, features))
                width = narrower
            if level > 0:
                self.grow.append(nn.Conv2d(width, width, 3, padding=1))
        self.norm = group_norm(width)
        self.leave = zero_(nn.Conv2d(width, out_channels * patch**2, 3, padding=1))
        self.blocks = blocks

    def forward(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None = None) -> Tensor:
        """Predict from noisy images.

        Args:
            x: `(B, channels, H, W)`; H and W multiples of `patch * 2^(levels - 1)`.
            t: a number or a tensor `(B,)`, in steps 0..T.
            cond: labels `(B,)`, int64 in 0..classes, where `classes` is the null class; None is the
                null class for all.

        Returns:
            `(B, out_channels, H, W)`.

        Raises:
            ValueError: for a shape that does not fit, labels out of range, or labels to a network
                without.
        """
        embedding = F.silu(self._embed(x, t, cond))
        h = self.enter(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        skips = []
        for i, block in enumerate(self.down):
            if i and i % self.blocks == 0:
                h = self.shrink[i // self.blocks - 1](h)
            h = block(h, embedding)
            skips.append(h)
        h = self.middle2(self.attend(self.middle1(h, embedding)), embedding)
        for i, block in enumerate(self.up):
            if i and i % self.blocks == 0:
                h = self.grow[i // self.blocks - 1](F.interpolate(h, scale_factor=2.0))
            h = block(torch.cat([h, skips.pop()], dim=1), embedding)
        h = self.leave(F.silu(self.norm(h)))
        return F.pixel_shuffle(h, self.patch) if self.patch > 1 else h

    def _embed(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None) -> Tensor:
        """Time and class as one vector, `(B, features)`, or `(1, features)` if they are equal for
        all.
        """
        if x.ndim != 4 or x.shape[1] != self.channels or any(n % self.stride for n in x.shape[2:]):
            raise ValueError(
                f"x must have shape (B, {self.channels}, H, W) with H and W multiples of "
                f"{self.stride}, not {tuple(x.shape)}"
            )
        t = torch.as_tensor(t, device=x.device).reshape(-1)
        if len(t) not in (1, len(x)):
            raise ValueError(f"t has {len(t)} entries for a batch of {len(x)}: give 1 or {len(x)}")
        embedding = self.time(t)
        if self.label is None:
            if cond is not None:
                raise ValueError("this network has no classes: cond must be None")
            return embedding
        if cond is None:
            cond = torch.full((1,), self.classes, device=x.device)
        elif cond.shape != x.shape[:1]:
            raise ValueError(f"cond must have shape ({len(x)},), not {tuple(cond.shape)}")
        elif cond.numel() and not 0 <= int(cond.min()) <= int(cond.max()) <= self.classes:
            raise ValueError(
                f"labels must be in 0..{self.classes} ({self.classes} is the null class), "
                f"not {int(cond.min())}..{int(cond.max())}"
            )
        return embedding + self.label(cond)
