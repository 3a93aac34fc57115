"""A network for points: what the U-Net is for images, small enough to train while one waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.config import configure
from genbook.nn.embeddings import TimeEmbedding, per_image

__all__ = ["MLP", "MLPConfig"]


@dataclass(frozen=True)
class MLPConfig:
    """Configuration of an ``MLP``.

    Args:
        dim: coordinates of a point, D.
        width: of the hidden layers.
        depth: their number.
        waves: cosines and sines of the time.
        time_scale: as in ``TimeEmbedding``: 1 for steps 0..1000, 1000 for times in [0, 1].
    """

    dim: int = 2
    width: int = 64
    depth: int = 3
    waves: int = 32
    time_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise ValueError(f"depth must be at least 1, not {self.depth}")


class MLP(nn.Module):
    """Points and times in, a prediction for every coordinate out: ``model(x, t)``, ``(B, D)``.

    Hidden layers of equal width; to each is added what the time embedding says about t, so that the
    layers can do one thing in much noise and another in little.

    ``MLP(config)`` or ``MLP(dim=2, width=64, …)``: see ``MLPConfig``.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__()
        config = self.config = configure(MLPConfig, settings, named)
        width = config.width
        self.time = TimeEmbedding(config.waves, width, config.time_scale)
        self.hidden = nn.ModuleList(
            nn.Linear(width if i else config.dim, width) for i in range(config.depth)
        )
        self.out = nn.Linear(width, config.dim)

    def forward(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None = None) -> Tensor:
        """x ``(B, D)``, t a number or ``(B,)`` -> ``(B, D)``; ``cond`` is not used."""
        embedding = self.time(per_image(t, x))
        for layer in self.hidden:
            x = F.silu(layer(x) + embedding)
        return self.out(x)
