"""Pictures of scenes, and the conditions that go with them: masks, edges, key points."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genbook.data.shapes.outlines import LOOPS, TIPS
from genbook.data.shapes.scenes import Ints, Scenes
from genbook.data.shapes.vocabulary import KINDS, MOST, SIDE, palette
from genbook.geometry import Array, coverage, outline

__all__ = ["KeyPoints", "edges", "key_points", "masks", "render"]

_BLOCK = 256  # pictures at a time, which stay in the cache
_POINTS = 6  # the middle and at most five tips


class KeyPoints(NamedTuple):
    """Points ``(N, 3, 6, 2)``, float32, (x, y) in pixels; which exist ``(N, 3, 6)``, bool.

    Of each shape first the middle, then its tips: the extremes of circle and ring, the corners of
    square and triangle, the points of the star, the arms' ends of the cross. 0 where there is none.
    """

    points: Tensor
    present: Tensor


def render(scenes: Scenes, side: int = SIDE) -> Tensor:
    """The pictures ``(N, 3, side, side)``, float32 in [-1, 1], of scenes.

    background + Σ mask · (colour − background), summed over the shapes, with the masks of
    :func:`masks`. No pixel sees two shapes, so the order of the shapes does not matter.

    Raises:
        ValueError: side below 1.
    """
    background, colours = palette()
    light = (colours[scenes.colour] - background) * (scenes.kind >= 0)[..., None]
    pictures = torch.einsum("nshw,nsc->nchw", masks(scenes, side), light)
    return pictures.add_(background[:, None, None])


def masks(scenes: Scenes, side: int = SIDE) -> Tensor:
    """How much of each pixel each shape covers: ``(N, 3, side, side)``, float32 in [0, 1].

    Their sum over the second dimension is the mask of everything that is not background.

    Raises:
        ValueError: side below 1.
    """
    # A hole is taken away.
    return _by_kind(scenes, side, coverage, -1)


def edges(scenes: Scenes, side: int = SIDE) -> Tensor:
    """The edge map ``(N, 1, side, side)``, float32 in [0, 1]: the outline's length in each pixel.

    Lengths above one pixel, in a corner or across, count as one.

    Raises:
        ValueError: side below 1.
    """
    return _by_kind(scenes, side, outline, +1).sum(1, keepdim=True).clamp_(max=1)


def key_points(scenes: Scenes) -> KeyPoints:
    """The key points of each shape, in pixels of a 32×32 picture."""
    n = len(scenes.kind)
    points = np.zeros((n, MOST, _POINTS, 2))
    present = np.zeros((n, MOST, _POINTS), bool)
    for number, kind in enumerate(KINDS):
        picture, slot = np.nonzero(scenes.kind.numpy() == number)
        tips = np.concatenate([np.zeros((1, 2)), TIPS[kind]])
        points[picture, slot, : len(tips)] = _set(scenes, picture, slot, tips)
        present[picture, slot, : len(tips)] = True
    return KeyPoints(torch.from_numpy(points).float(), torch.from_numpy(present))


def _by_kind(
    scenes: Scenes, side: int, raster: Callable[[Array, int, int], Array], hole: int
) -> Tensor:
    """What ``raster`` makes of the shapes, ``(N, 3, side, side)``; all of one kind at a time."""
    if side < 1:
        raise ValueError(f"side must be at least 1, got {side}")
    result = np.zeros((len(scenes.kind), MOST, side, side), np.float32)
    kinds = scenes.kind.numpy()
    for start in range(0, len(kinds), _BLOCK):
        for number, kind in enumerate(KINDS):
            picture, slot = np.nonzero(kinds[start : start + _BLOCK] == number)
            picture += start
            if not len(picture):
                continue
            for sign, loop in zip((1, hole), LOOPS[kind], strict=False):
                corners = _set(scenes, picture, slot, loop) * (side / SIDE)
                result[picture, slot] += sign * raster(corners, side, side).astype(np.float32)
    return torch.from_numpy(result)


def _set(scenes: Scenes, picture: Ints, slot: Ints, points: Array) -> Array:
    """Points ``(M, 2)`` of a kind's outline, set into the picture: ``(n, M, 2)`` in pixels."""
    radius = scenes.radius.numpy()[picture, slot, None]
    tilt = scenes.tilt.numpy()[picture, slot, None]
    x0, y0 = scenes.middle.numpy()[picture, slot].T[..., None]
    c, s = radius * np.cos(tilt), radius * np.sin(tilt)
    x, y = points.T
    return np.stack([x0 + c * x - s * y, y0 + s * x + c * y], -1)
