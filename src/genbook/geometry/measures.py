"""What the course measures with geometry: supports, coverage, and areas under a map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike

from genbook.geometry.polygons import Rule, convex_hull, point_in_polygon, polygon_area
from genbook.geometry.vectors import Array, as_points

__all__ = ["area_ratio", "fraction_inside", "hull_coverage", "sample_polygon"]

# Below this share of the bounding box, drawing until it hits takes too long to be meant.
_LEAST_SHARE = 1e-4
_PROPOSALS = 1_000_000


def sample_polygon(
    polygon: ArrayLike,
    n: int,
    generator: torch.Generator | None = None,
    rule: Rule = "even-odd",
) -> Array:
    """n points ``(n, 2)`` from the uniform distribution on a polygon ``(M, 2)``, by rejection.

    Points of the bounding box are drawn until n lie inside. The density is 1 / area inside and 0
    outside: a model's samples either hit the support or do not, see :func:`fraction_inside`.

    Raises:
        ValueError: n < 0, or fewer than three corners, or shapes, NaN, infinity. May be raised if
            the polygon fills less than 1e-4 of its bounding box, and is if it fills nothing.
    """
    corners = as_points(polygon, "polygon", least=3)
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    low, high = corners.min(0), corners.max(0)
    found, kept, proposed = [np.empty((0, 2))], 0, 0
    while kept < n:
        share = kept / proposed if proposed else 0.5
        if proposed >= _PROPOSALS and share < _LEAST_SHARE:
            raise ValueError("the polygon fills almost nothing of its bounding box: rotate it")
        size = min(int(1.1 * (n - kept) / max(share, _LEAST_SHARE)) + 16, _PROPOSALS)
        u = torch.rand(size, 2, generator=generator, dtype=torch.float64).numpy()
        points = (1 - u) * low + u * high
        inside = points[point_in_polygon(points, corners, rule)]
        found.append(inside)
        kept, proposed = kept + len(inside), proposed + size
    return np.concatenate(found)[:n]


def fraction_inside(samples: ArrayLike, *polygons: ArrayLike) -> float:
    """The share of samples ``(N, 2)`` that lie in at least one of the polygons: an exact metric.

    Raises:
        ValueError: no samples, no polygon, or shapes, NaN, infinity.
    """
    points = as_points(samples, "samples", least=1)
    if not polygons:
        raise ValueError("fraction_inside needs at least one polygon")
    inside = np.any([point_in_polygon(points, polygon) for polygon in polygons], axis=0)
    return float(inside.mean())


def hull_coverage(samples: ArrayLike, data: ArrayLike) -> float:
    """The share of data ``(M, 2)`` in the convex hull of the samples ``(N, 2)``, sides included.

    Low if the samples miss a part at the rim of the data; a few stray samples raise it, so read it
    beside :func:`fraction_inside`.

    Raises:
        ValueError: no data, samples on one line, fewer than three, or shapes, NaN, infinity.
    """
    points = as_points(data, "data", least=1)
    hull = convex_hull(samples)
    if len(hull) < 3:
        raise ValueError("the samples lie on one line: their hull has no inside")
    return float(point_in_polygon(points, hull, boundary=True).mean())


def area_ratio(
    function: Callable[[Array], ArrayLike], centres: ArrayLike, side: float = 1e-3
) -> Array:
    """How a map of the plane changes area, and whether it mirrors: its Jacobian determinant.

    The signed area of the image of a small square around each centre, divided by side²; as the
    image's corners are joined by straight lines, the error is O(side²).

    Args:
        function: takes points ``(N, 2)`` and returns their images ``(N, 2)``.
        centres: ``(N, 2)``.
        side: of the squares.

    Returns:
        Ratios ``(N,)``; a push-forward density is the density divided by their size.

    Raises:
        ValueError: side is not positive and finite, or so small beside a centre that rounding
            leaves no square, or shapes, NaN, infinity.
    """
    points = as_points(centres, "centres", least=1)
    if not 0 < side < np.inf:
        raise ValueError(f"side must be positive and finite, got {side}")
    square = side * np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    cells = points[:, None] + square
    areas = polygon_area(cells)  # as they are after rounding, not as they were meant
    if (areas == 0).any():
        raise ValueError(f"side = {side} is lost in the rounding of a centre: take a larger one")
    images = as_points(function(cells.reshape(-1, 2)), "the function's values", least=1)
    if len(images) != 4 * len(points):
        raise ValueError(f"the function returned {len(images)} points for {4 * len(points)}")
    return polygon_area(images.reshape(cells.shape)) / areas
