"""Two small things that every network needs: group normalisation, and layers that start at zero."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

__all__ = ["group_norm", "zero_"]

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def group_norm(channels: int, eps: float = 1e-5) -> nn.GroupNorm:
    """Group normalisation with groups of at least four channels, and at most 32 groups.

    ``eps`` is added to the variance. It differs between published networks, and a wrong one errs by
    so little (1e-5 of the output) that pictures do not show it.

    Source: Wu and He 2018.
    """
    groups = max(g for g in range(1, 33) if channels % g == 0 and (channels // g >= 4 or g == 1))
    return nn.GroupNorm(groups, channels, eps=eps)


def zero_(layer: Layer) -> Layer:
    """Set weight and bias of ``layer`` to zero, so that a residual block starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
