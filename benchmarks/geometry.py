"""Geometry in plain NumPy: point in polygon against shapely, convex hull against SciPy's Qhull.

Both peers are compiled. The hull is of 10^5 points of two kinds: nearly all inside, as samples of a
density are, and all on a circle, where every point is a corner.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook import geometry

POINTS, EDGES = 100_000, 50


def star(rng: np.random.Generator) -> np.ndarray:
    """A star-shaped polygon: corners at random distances, at even angles."""
    angles = 2 * np.pi * np.arange(EDGES) / EDGES
    return rng.uniform(0.3, 1, (EDGES, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)


def point_in_polygon() -> Comparison:
    rng = np.random.default_rng(0)
    points, polygon = rng.uniform(-1, 1, (POINTS, 2)), star(rng)

    def by_shapely() -> Work:
        import shapely

        shape = shapely.Polygon(polygon)
        shapely.prepare(shape)  # its index of the edges, built once
        inside = shapely.contains_xy(shape, points)
        assert (geometry.point_in_polygon(points, polygon) == inside).all()
        return lambda: shapely.contains_xy(shape, points)

    return compare(
        "point in polygon, 10^5 × 50",
        lambda: geometry.point_in_polygon(points, polygon),
        {"shapely": Peer(1.0, by_shapely)},
        rounds=15,
    )[0]


def convex_hull(kind: str) -> Comparison:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((POINTS, 2))
    if kind == "circle":
        points /= np.linalg.norm(points, axis=1, keepdims=True)
    return compare(
        f"convex hull, 10^5, {kind}",
        lambda: geometry.convex_hull(points),
        {"SciPy": Peer(5.0, lambda: lambda: points[ConvexHull(points).vertices])},
        rounds=9,
    )[0]


def run() -> list[Comparison]:
    return [point_in_polygon(), convex_hull("normal"), convex_hull("circle")]
