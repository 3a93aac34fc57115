"""From polygons to pixels: how much of each pixel is covered, and how long the outline in it is.

Pixel coordinates: x to the right, y *down*, one unit a pixel; pixel (row i, column j) is the square
[j, j+1] × [i, i+1]. So the middle of the first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genbook.geometry.vectors import Array, as_points

__all__ = ["coverage", "outline"]

# Sums of exact parts leave a few units in the last place where nothing or everything is covered.
_DUST = 1e-12
# In float64 a coordinate of 1e10 is known to 2e-6 of a pixel, where an edge is cut.
_FARTHEST = 1e10


class _Cells(NamedTuple):
    """The parts into which the grid cuts all edges, one entry a part."""

    row: NDArray[np.intp]  # of all pictures, one below the other: picture · height + row
    column: NDArray[np.intp]  # −1 is everything left of the picture
    height: Array  # signed: y at its end − y at its start
    middle: Array  # x halfway
    length: Array


def coverage(polygons: ArrayLike, height: int, width: int) -> Array:
    r"""The share of each pixel that a polygon covers, exactly: the picture without jagged edges.

    A part of an edge with the height h and the middle x in pixel column j has, to its right, the
    area h (j + 1 − x) of that pixel and h of each further pixel of the row. Added up around the
    polygon, with the sign of h, what lies outside cancels: Green's theorem, ∮ −x dy, pixel by
    pixel. The cost is that of the pixels on the outline, not of all.

    Args:
        polygons: corners ``(…, M, 2)`` in pixel coordinates, in either direction, one polygon a
            picture; they may reach beyond the picture. A corner may be repeated, so that polygons
            of fewer corners fit into the array. Where a polygon crosses itself, a part that is
            encircled twice counts twice.
        height, width: of the pictures.

    Returns:
        ``(…, height, width)``, in [0, 1] for a polygon that does not cross itself. The sum over
        the pixels is the polygon's area, as far as it lies in the picture.

    Raises:
        ValueError: fewer than three corners, height or width below 1, a corner more than 1e10
            pixels away, or shapes, NaN, infinity.

    References:
        Levien (2016), Inside the fastest font renderer in the world: the accumulation buffer.
    """
    corners, shape = _corners(polygons, height, width)
    cells = _cells(corners, height, width)
    rows = len(corners) * height
    # One column more: what enters the last pixel's right neighbour.
    first = cells.row * (width + 1) + np.maximum(cells.column, 0)
    left = cells.column < 0
    own = np.where(left, cells.height, cells.height * (cells.column + 1 - cells.middle))
    size = rows * (width + 1)
    # The own pixel gets its area; the next one the rest of h, which the sum carries to the right.
    steps = (
        np.bincount(first, own, size)
        + np.bincount(first + 1, np.where(left, 0.0, cells.height - own), size + 1)[:size]
    )
    share = np.abs(np.cumsum(steps.reshape(rows, width + 1), axis=1)[:, :width])
    share[share < _DUST] = 0
    share[np.abs(share - 1) < _DUST] = 1
    return share.reshape(*shape, height, width)


def outline(polygons: ArrayLike, height: int, width: int) -> Array:
    """The length of a polygon's outline in each pixel, in pixels: at most about √2 a straight edge.

    Args, shapes and errors as in :func:`coverage`. An edge that runs along a line of the grid
    belongs to the pixels below or to the right of it. The sum over the pixels is the circumference,
    as far as it lies in the picture.
    """
    corners, shape = _corners(polygons, height, width)
    cells = _cells(corners, height, width)
    seen = cells.column >= 0
    at = cells.row[seen] * width + cells.column[seen]
    length = np.bincount(at, cells.length[seen], len(corners) * height * width)
    return length.astype(np.float64).reshape(*shape, height, width)


def _corners(polygons: ArrayLike, height: int, width: int) -> tuple[Array, tuple[int, ...]]:
    corners = as_points(polygons, "polygons")
    if corners.ndim < 2 or corners.shape[-2] < 3:
        raise ValueError(f"polygons must be at least 3 corners, (…, M, 2), got {corners.shape}")
    if np.abs(corners).max(initial=0.0) > _FARTHEST:
        raise ValueError(
            f"a corner lies {np.abs(corners).max():.2g} pixels from the picture: beyond "
            f"{_FARTHEST:g} rounding reaches the pixels' shares"
        )
    if height < 1 or width < 1:
        raise ValueError(f"height and width must be at least 1, got {height} and {width}")
    return corners.reshape(-1, *corners.shape[-2:]), corners.shape[:-2]


def _cells(corners: Array, height: int, width: int) -> _Cells:
    """Cut all edges of polygons ``(N, M, 2)`` at the rows, then at the columns of the grid."""
    start = corners.reshape(-1, 2)
    step = (np.roll(corners, -1, axis=1) - corners).reshape(-1, 2)
    real = np.flatnonzero(step.any(1))
    picture = real // corners.shape[1]
    (x, y), (dx, dy) = start[real].T, step[real].T
    length = np.hypot(dx, dy)

    # Edge by row: one part for each row that the edge touches.
    part, row = _spread(np.minimum(y, y + dy), np.maximum(y, y + dy), 0, height)
    row_of_all = picture[part] * height + row
    x, y, dx, dy, length = (v[part] for v in (x, y, dx, dy, length))
    begin, end = _between(row.astype(np.float64), y, dy)
    x, y = x + begin * dx, y + begin * dy
    share = end - begin
    dx, dy, length = share * dx, share * dy, share * length

    # Part by column; all that is left of the picture is one column, −1.
    low, high = np.minimum(x, x + dx), np.maximum(x, x + dx)
    piece, column = _spread(low, high, -1, width)
    x, dx, dy, length = (v[piece] for v in (x, dx, dy, length))
    begin, end = _between(column.astype(np.float64), x, dx)
    share = end - begin
    middle = x + (begin + end) / 2 * dx
    return _Cells(row_of_all[piece], column, share * dy, middle, share * length)


def _spread(
    low: Array, high: Array, first: int, beyond: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The intervals of the grid, of those from ``first`` to before ``beyond``, that [low, high]
    meets: which entry, and which interval. Where ``first`` is −1, that is all below 0.
    """
    start = np.clip(np.floor(low), first, beyond).astype(np.intp)
    stop = np.clip(np.maximum(np.ceil(high), np.floor(low) + 1), first, beyond).astype(np.intp)
    if first < 0:
        stop = np.maximum(stop, 0)
    count = np.maximum(stop - start, 0)
    which = np.repeat(np.arange(len(low)), count)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    return which, start[which] + offset


def _between(low: Array, start: Array, step: Array) -> tuple[Array, Array]:
    """For which part [t0, t1] of [0, 1] start + t · step lies in [low, low + 1].

    Where low is −1 that is all below 0: rows are not −1, and column −1 is endless.
    """
    flat = step == 0
    safe = np.where(flat, 1.0, step)
    a = (np.where(low < 0, -np.inf, low) - start) / safe
    b = (low + 1 - start) / safe
    t0, t1 = np.clip(np.minimum(a, b), 0, 1), np.clip(np.maximum(a, b), 0, 1)
    return np.where(flat, 0.0, t0), np.where(flat, 1.0, t1)
