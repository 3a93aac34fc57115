"""A network for flow maps: told two times, where a state is and where it should go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from genbook.nn.config import configure
from genbook.nn.embeddings import LabelEmbedding, TimeEmbedding, per_image
from genbook.nn.layers import zero_

__all__ = ["FlowMLP", "FlowMLPConfig"]


@dataclass(frozen=True)
class FlowMLPConfig:
    """Configuration of a ``FlowMLP``.

    Args:
        dim: numbers a sample, D.
        width: of the residual stream.
        depth: residual blocks.
        classes: number of class labels, 0 for none; the label ``classes`` is the null class.
        waves: cosines and sines of each time.
        features: of what the blocks are told.
        time_scale: as in ``TimeEmbedding``. Smaller than for other networks: losses of flow maps
            differentiate by the times, and the fastest wave turns this often in 2 pi.
    """

    dim: int = 64
    width: int = 128
    depth: int = 2
    classes: int = 0
    waves: int = 64
    features: int = 128
    time_scale: float = 100.0

    def __post_init__(self) -> None:
        if min(self.dim, self.width, self.depth, self.features) < 1 or self.classes < 0:
            raise ValueError(
                "dim, width, depth and features must be at least 1 and classes at least 0; got "
                f"dim={self.dim}, width={self.width}, depth={self.depth}, "
                f"features={self.features}, classes={self.classes}"
            )


class FlowMLP(nn.Module):
    """States, the time t of each, the time s to go to, and perhaps a class in; a prediction out.

    Residual blocks of two layers; what is known of t, t − s and the class shifts, scales and gates
    each of them (adaptive normalisation). Called ``model(x, t, (s, labels))``, as all networks of
    the book are called ``model(x, t, cond)``.

    Source: Peebles and Xie 2023 for the adaptive normalisation.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__()
        config = self.config = configure(FlowMLPConfig, settings, named)
        width, features = config.width, config.features
        self.at = TimeEmbedding(config.waves, features, config.time_scale)
        self.gap = TimeEmbedding(config.waves, features, config.time_scale)
        self.label = LabelEmbedding(config.classes, features) if config.classes else None
        self.enter = nn.Linear(config.dim, width)
        self.told = nn.ModuleList(
            zero_(nn.Linear(features, 3 * width)) for _ in range(config.depth)
        )
        self.inner = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(config.depth))
        self.outer = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(config.depth))
        self.told_last = zero_(nn.Linear(features, 2 * width))
        self.leave = zero_(nn.Linear(width, config.dim))

    def forward(
        self, x: Tensor, t: Tensor | float, cond: tuple[Tensor | float, Tensor | None]
    ) -> Tensor:
        """x ``(B, …)`` of D numbers a sample, t and s numbers or ``(B,)`` -> the shape of x.

        Raises:
            ValueError: for samples of another size, or labels that this network does not take.
        """
        s, labels = cond
        flat = x.flatten(1)
        if flat.shape[1] != self.config.dim:
            raise ValueError(
                f"x must have {self.config.dim} numbers a sample, not {flat.shape[1]} "
                f"(shape {tuple(x.shape)})"
            )
        t, s = per_image(t, x), per_image(s, x)
        told = self.at(t) + self.gap(t - s)
        if self.label is not None:
            told = told + self.label(labels)
        elif labels is not None:
            raise ValueError("this network has no classes: its labels must be None")
        told = F.silu(told)
        h = self.enter(flat)
        for tell, inner, outer in zip(self.told, self.inner, self.outer, strict=True):
            shift, scale, gate = tell(told).chunk(3, 1)
            z = F.layer_norm(h, h.shape[1:]) * (1 + scale) + shift
            h = h + (1 + gate) * outer(F.silu(inner(z)))
        shift, scale = self.told_last(told).chunk(2, 1)
        h = F.layer_norm(h, h.shape[1:]) * (1 + scale) + shift
        return self.leave(h).view_as(x)
