"""What is in a picture: segmentation by colour, then the drawing that would look like it.

Reading is drawing backwards. (1) Each pixel is taken apart as background + α (colour − background),
for the colour that leaves least. (2) Pixels that touch are one shape, or one for each colour; α,
added up, is its area, and α's centroid its middle. (3) For each of the six kinds, area and middle
leave one unknown, the tilt; a harmonic moment gives it. (4) The rasteriser draws the six
candidates, and the one that looks most like α is the kind, unless none does. Nothing was trained,
and a picture that was never drawn by this package is read the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from genbook.data.shapes.outlines import AREA, LOOPS, ROUND, TIPS
from genbook.data.shapes.vocabulary import (
    COLOURS,
    KINDS,
    RADII,
    SHAPE,
    SIDE,
    SIZES,
    TILT,
    palette,
)
from genbook.geometry import Array, coverage

__all__ = ["Found", "see"]

# A pixel belongs to a shape that covers this much of it; above a half, thin rings break.
_CORE = 0.42
# Fewer pixels than this are a speck: the smallest shape has 22.
_SPECK = 8
# Limits of misfit, see Found; measured: drawings stay below 0.01, with noise of 0.1 below 0.06.
_MISFIT, _TINT = 0.1, 0.5
# A radius beyond these is no shape's: a picture that is white all over is not a white square.
_RADII = (0.75 * RADII[0][0], 1.3 * RADII[1][1])
# Further from upright, a square is a diamond, and a triangle or a star stands on its head.
_TILT = 1.7 * TILT
_BETWEEN_SIZES = (RADII[0][1] + RADII[1][0]) / 2
_BLOCK = 512  # shapes at a time

_TOUCHING = np.array([[[0] * 3] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0] * 3] * 3])
# How often a turn repeats the kind, and the direction of its harmonic moment when upright.
_FOLD = np.array([1 if ROUND[k] else len(TIPS[kind]) for k, kind in enumerate(KINDS)])
_UPRIGHT = np.array(
    [np.angle(((TIPS[k] @ [1, 1j]) ** fold).sum()) for k, fold in zip(KINDS, _FOLD, strict=True)]
)


@dataclass(frozen=True)
class Found:
    """One shape that the reader sees.

    Attributes:
        kind: or None, if it looks like none of the six, is not upright, or much too small or large.
        colour: or None, if it has none of the six.
        size: "small" or "large": the radius below or above the middle between both.
        middle: (x, y) in pixels, y down.
        radius: in pixels, of the best kind with this area.
        misfit: Σ (α − drawing)² / Σ drawing² of the best kind; above 0.1 it is none.
        tint: how far its pixels are from the line between background and colour, root mean square,
            in units of [-1, 1]; above 0.5 it has no colour.
    """

    kind: str | None
    colour: str | None
    size: str
    middle: tuple[float, float]
    radius: float
    misfit: float
    tint: float


def see(images: Tensor) -> list[tuple[Found, ...]]:
    """The shapes in each picture, the largest first.

    Args:
        images: ``(N, 3, 32, 32)`` in [-1, 1]; what lies outside, as in samples of a model, is
            clipped.

    Raises:
        TypeError: not a tensor of floating-point numbers.
        ValueError: another shape, NaN or infinity.
    """
    x = _checked(images)
    back, colours = (v.double().numpy() for v in palette())
    rays = colours - back
    x = x - back[:, None, None]
    share, residue = _unmix(x, rays)
    nearest = residue.argmin(1)
    core = np.take_along_axis(share, nearest[:, None], 1)[:, 0] > _CORE
    region = _regions([core])
    home, whole = _look(x, share, residue, rays, region, core)
    # Shapes that touch: what looks like nothing may be several, if it is of several colours.
    odd = np.array([False] + [f.kind is None or f.colour is None for f in whole])[region]
    colours_of_odd = [core & odd & (nearest == k) for k in range(len(rays))]
    home_of_parts, parts = _look(x, share, residue, rays, _regions(colours_of_odd), core)

    found: list[list[Found]] = [[] for _ in range(len(x))]
    doubted: list[list[Found]] = [[] for _ in range(len(x))]
    for picture, shape in zip(home, whole, strict=True):
        good = shape.kind is not None and shape.colour is not None
        (found if good else doubted)[picture].append(shape)
    split: list[list[Found]] = [[] for _ in range(len(x))]
    for picture, shape in zip(home_of_parts, parts, strict=True):
        split[picture].append(shape)
    for shapes, doubts, pieces in zip(found, doubted, split, strict=True):
        better = any(f.kind is not None and f.colour is not None for f in pieces)
        shapes += pieces if better else doubts
    return [tuple(sorted(shapes, key=lambda f: -f.radius)) for shapes in found]


def _look(
    x: Array,
    share: Array,
    residue: Array,
    rays: Array,
    region: NDArray[np.int64],
    core: NDArray[np.bool_],
) -> tuple[list[int], list[Found]]:
    """What each region is, and in which picture it is."""
    count = int(region.max(initial=0))
    picture, row, column = np.nonzero(region)
    owner = region[picture, row, column] - 1
    home = np.zeros(count, np.int64)
    home[owner] = picture
    # Its colour is that of its core's mean, which noise does not move; but if the pixels are all
    # sorts of colours, it has none.
    inner = core[picture, row, column]
    pixels = np.bincount(owner, inner, count)
    mean = np.stack([np.bincount(owner, inner * v, count) for v in x[picture, :, row, column].T], 1)
    rest = _unmix((mean / pixels[:, None])[..., None, None], rays)[1][..., 0, 0]
    colour = rest.argmin(1)
    away = residue[picture, colour[owner], row, column]
    tint = np.sqrt(np.bincount(owner, inner * away, count) / pixels)
    found = []
    for start in range(0, count, _BLOCK):
        stop = min(start + _BLOCK, count)
        own = (owner >= start) & (owner < stop)
        part = np.zeros((stop - start, SIDE, SIDE))
        at = picture[own], colour[owner[own]], row[own], column[own]
        part[owner[own] - start, row[own], column[own]] = share[at]
        for i, (kind, radius, tilt, misfit, middle) in enumerate(_fit(part), start):
            sound = misfit <= _MISFIT and abs(tilt) <= _TILT and _RADII[0] <= radius <= _RADII[1]
            found.append(
                Found(
                    KINDS[kind] if sound else None,
                    tuple(COLOURS)[colour[i]] if tint[i] <= _TINT else None,
                    SIZES[int(radius > _BETWEEN_SIZES)],
                    middle,
                    radius,
                    misfit,
                    float(tint[i]),
                )
            )
    return home.tolist(), found


def _checked(images: Tensor) -> Array:
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise TypeError(f"images must be a tensor of floating-point numbers, not {kind}")
    if images.ndim != 4 or tuple(images.shape[1:]) != SHAPE:
        raise ValueError(f"images must have shape (N, {SHAPE}), not {tuple(images.shape)}")
    if not images.isfinite().all():
        raise ValueError("NaN or infinity in the images")
    return images.detach().to("cpu", torch.float64).clamp(-1, 1).numpy()


def _unmix(x: Array, rays: Array) -> tuple[Array, Array]:
    """How far along each colour's ray a pixel lies, and the squared distance from there.

    Both ``(N, 6, 32, 32)``, of offsets from the background ``(N, 3, 32, 32)``. The share is in
    [0, 1].
    """
    square = (rays**2).sum(1)[:, None, None]
    along = np.einsum("nchw,kc->nkhw", x, rays)
    share = np.clip(along / square, 0, 1)
    rest = (x**2).sum(1)[:, None] - 2 * share * along + share**2 * square
    return share, np.maximum(rest, 0)


def _regions(cores: Sequence[NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Numbers ``(N, 32, 32)`` of the shapes, from 1; 0 where there is none.

    A shape is a connected part of one of the cores, and up to two pixels around it, where its
    anti-aliased or blurred rim is.
    """
    region = np.zeros(cores[0].shape, np.int64)
    total = 0
    for core in cores:
        parts, many = ndimage.label(core, _TOUCHING)
        region[parts > 0] = parts[parts > 0] + total
        total += many
    kept = np.bincount(region.ravel(), minlength=total + 1) >= _SPECK
    kept[0] = False
    region = np.where(kept, np.cumsum(kept), 0)[region]
    for _ in range(2):
        grown = ndimage.maximum_filter(region, (1, 3, 3))
        region = np.where(region > 0, region, grown)
    return region


def _fit(share: Array) -> list[tuple[int, float, float, float, tuple[float, float]]]:
    """Kind, radius, tilt, misfit, middle of shapes: their shares of the pixels ``(n, 32, 32)``."""
    centres = np.arange(SIDE) + 0.5
    area = share.sum((1, 2))
    x0 = (share.sum(1) @ centres) / area
    y0 = (share.sum(2) @ centres) / area
    z = (centres - x0[:, None])[:, None, :] + 1j * (centres - y0[:, None])[:, :, None]
    best = np.full(len(share), np.inf)
    tilts = np.zeros(len(share))
    kinds = np.zeros(len(share), np.int64)
    for number, kind in enumerate(KINDS):
        radius = np.sqrt(area / AREA[number])
        tilt = np.zeros(len(share))
        if not ROUND[number]:
            fold = _FOLD[number]
            turn = np.angle((share * z**fold).sum((1, 2)) * np.exp(-1j * _UPRIGHT[number]))
            tilt = turn / fold
        turned = (radius * np.exp(1j * tilt))[:, None]
        drawing = np.zeros_like(share)
        for sign, loop in zip((1, -1), LOOPS[kind], strict=False):
            at = turned * (loop @ [1, 1j]) + (x0 + 1j * y0)[:, None]
            drawing += sign * coverage(np.stack([at.real, at.imag], -1), SIDE, SIDE)
        misfit = _misfit(share, drawing)
        better = misfit < best
        best, kinds = np.where(better, misfit, best), np.where(better, number, kinds)
        tilts = np.where(better, tilt, tilts)
    radii = np.sqrt(area / AREA[kinds])
    middles = zip(x0.tolist(), y0.tolist(), strict=True)
    numbers = (v.tolist() for v in (kinds, radii, tilts, best))
    return list(zip(*numbers, middles, strict=True))


def _misfit(share: Array, drawing: Array) -> Array:
    """Σ (α − d)² / Σ drawing², with d the drawing, blurred as much as suits α best."""
    padded = np.pad(drawing, ((0, 0), (1, 1), (1, 1)))
    rows = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]) / 4
    change = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4 - drawing
    rest = share - drawing
    much = np.clip((rest * change).sum((1, 2)) / (change**2).sum((1, 2)), 0, 1.5)
    rest = rest - much[:, None, None] * change
    return (rest**2).sum((1, 2)) / (drawing**2).sum((1, 2))
