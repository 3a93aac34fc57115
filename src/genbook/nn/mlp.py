"""A network for points: what the U-Net is for images, small enough to train while one waits."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import TimeEmbedding

__all__ = ["MLP"]


class MLP(nn.Module):
    """Points and times in, a prediction for every coordinate out: `model(x, t)`, `(B, D)`.

    Hidden layers of equal width; to each is added what the time embedding says about t, so that the
    layers can do one thing in much noise and another in little.

    Args:
        dim: coordinates of a point, D.
        width: of the hidden layers.
        depth: their number.
        waves: cosines and sines of the time.
    """

    def __init__(self, dim: int = 2, width: int = 64, depth: int = 3, waves: int = 32) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        self.config: dict[str, Any] = {"dim": dim, "width": width, "depth": depth, "waves": waves}
        self.time = TimeEmbedding(waves, width)
        self.hidden = nn.ModuleList(nn.Linear(width if i else dim, width) for i in range(depth))
        self.out = nn.Linear(width, dim)

    def forward(self, x: Tensor, t: Tensor | int | float, cond: Tensor | None = None) -> Tensor:
        """x `(B, D)`, t in steps, a number or `(B,)` -> `(B, D)`; `cond` is not used."""
        times = torch.as_tensor(t, device=x.device).expand(len(x))
        embedding = self.time(times)
        for layer in self.hidden:
            x = F.silu(layer(x) + embedding)
        return self.out(x)
