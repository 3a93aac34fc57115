"""Lines and segments: how they lie to each other, where they meet, and how many paths cross."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genbook.geometry.vectors import (
    ROUNDING,
    Array,
    as_points,
    broadcast,
    cross,
    exponents,
    scaled,
    side,
)

__all__ = [
    "crossing_pairs",
    "line_intersection",
    "line_relation",
    "segment_intersection",
    "segments_intersect",
]


def line_relation(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> Any:
    """How the line through p and q lies to the line through r and s.

    "crossing" in one point, "parallel" without a common point, or "coincident"; up to the rounding
    of the coordinates, as in :func:`~genbook.geometry.orientation`.

    Args:
        p, q, r, s: points ``(…, 2)``.

    Returns:
        A string, or an array of strings of the broadcast shape ``(…)``.

    Raises:
        ValueError: p = q or r = s, where no line is defined, or shapes, NaN, infinity.
    """
    p, q, r, s = _lines(p, q, r, s)
    same = (side(p, q, r) == 0) & (side(p, q, s) == 0)
    relation = np.where(_parallel(p, q, r, s), np.where(same, "coincident", "parallel"), "crossing")
    return relation if relation.ndim else str(relation)


def line_intersection(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> Array:
    """The point in which two lines cross: p + t (q − p) with

        t = (r − p) × (s − r) / (q − p) × (s − r).

    Args:
        p, q, r, s: points ``(…, 2)``.

    Returns:
        Points of the broadcast shape ``(…, 2)``.

    Raises:
        ValueError: some of the lines are parallel or coincident, p = q, r = s, or shapes, NaN,
            infinity.
    """
    k = exponents(*broadcast(p=p, q=q, r=r, s=s))
    p, q, r, s = _lines(p, q, r, s)
    if (parallel := _parallel(p, q, r, s)).any():
        raise ValueError(f"{int(parallel.sum())} of {parallel.size} pairs of lines are parallel")
    t = cross(r - p, s - r) / cross(q - p, s - r)
    return np.ldexp(p + t[..., None] * (q - p), k)


def segments_intersect(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> Any:
    """Whether the segments p–q and r–s have a point in common; touching counts, ends included.

    They do if their bounding boxes overlap and each has its ends not on one side of the other's
    line. This holds for collinear segments and for single points (p = q), too. Signs and boxes are
    taken up to the rounding of the coordinates, as in :func:`~genbook.geometry.orientation`.

    Args:
        p, q, r, s: points ``(…, 2)``.

    Returns:
        Booleans of the broadcast shape ``(…)``.

    Raises:
        ValueError: shapes, NaN, infinity.
    """
    points = broadcast(p=p, q=q, r=r, s=s)
    k = exponents(*points)
    return _meet(*(scaled(a, k) for a in points))


def segment_intersection(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> Array:
    """What two segments have in common: of one pair, p–q and r–s, each a point ``(2,)``.

    Returns:
        ``(0, 2)`` if nothing, ``(1, 2)`` if a point, ``(2, 2)`` if a stretch: its two ends.

    Raises:
        ValueError: shapes, NaN, infinity.
    """
    p, q, r, s = (as_points(a, name) for a, name in zip((p, q, r, s), "pqrs", strict=True))
    if any(a.shape != (2,) for a in (p, q, r, s)):
        raise ValueError("segment_intersection takes one pair of segments: points of shape (2,)")
    if not segments_intersect(p, q, r, s):
        return np.empty((0, 2))
    k = exponents(p, q, r, s)
    P, Q, R, S = (scaled(a, k) for a in (p, q, r, s))
    if not _parallel(P, Q, R, S):
        t = np.clip(cross(R - P, S - R) / cross(Q - P, S - R), 0, 1)
        return np.ldexp(P + t * (Q - P), k)[None]
    # On one line, the common stretch ends where one of the segments does.
    ends = [a for a in (p, q) if segments_intersect(a, a, r, s)]
    ends += [a for a in (r, s) if segments_intersect(a, a, p, q)]
    common = np.unique(ends, axis=0)
    return common[[0, -1]] if len(common) > 1 else common


def crossing_pairs(paths: ArrayLike) -> NDArray[np.intp]:
    """Which of N paths cross or touch one another in the plane.

    A coupling of points x0 and x1 is the set of its straight paths, ``np.stack([x0, x1], 1)``. Two
    paths in the plane may cross *at different times*. Whether trajectories on a line cross at equal
    times is seen with the time as the first coordinate: ``np.stack([t, x], -1)``.

    Args:
        paths: polylines of K points each, shape ``(N, K, 2)``.

    Returns:
        The pairs i < j that meet, in order, shape ``(C, 2)``; C counts them.

    Raises:
        ValueError: another shape, fewer than two points a path, NaN or infinity.
    """
    paths = as_points(paths, "paths")
    if paths.ndim != 3 or paths.shape[1] < 2:
        raise ValueError(f"paths must have shape (N, K, 2) with K ≥ 2, got {paths.shape}")
    if len(paths) < 2:
        return np.empty((0, 2), np.intp)
    paths = scaled(paths, exponents(paths, axis=(0, 1)))
    tree = _box_tree(paths)
    found = [np.empty((0, 2), np.intp)]
    for i in range(len(paths) - 1):
        j, a, b = _near(tree, i)
        meet = _meet(paths[i, a], paths[i, a + 1], paths[j, b], paths[j, b + 1])
        hits = np.unique(j[meet])
        found.append(np.stack([np.full_like(hits, i), hits], 1))
    return np.concatenate(found)


def _near(tree: list[tuple[Array, Array]], i: int) -> tuple[NDArray[np.intp], ...]:
    """Paths j > i, segments a of path i and b of path j whose boxes overlap."""
    j = np.arange(i + 1, len(tree[0][0]))
    a = b = np.zeros_like(j)
    for low, high in tree:
        # Each stretch of the coarser level has two halves here, or at the end perhaps one.
        j = np.repeat(j, 4)
        a = (2 * a[:, None] + np.array([0, 0, 1, 1])).ravel()
        b = (2 * b[:, None] + np.array([0, 1, 0, 1])).ravel()
        there = np.maximum(a, b) < low.shape[1]
        j, a, b = (index[there] for index in (j, a, b))
        overlap = _boxes_meet(low[i, a], high[i, a], low[j, b], high[j, b])
        j, a, b = (index[overlap] for index in (j, a, b))
    return j, a, b


def _box_tree(paths: Array) -> list[tuple[Array, Array]]:
    """Lower and upper corners of the boxes of whole paths, of their halves, …, of segments."""
    low, high = np.minimum(paths[:, :-1], paths[:, 1:]), np.maximum(paths[:, :-1], paths[:, 1:])
    tree = [(low, high)]
    while low.shape[1] > 1:
        pairs = np.arange(0, low.shape[1], 2)
        low, high = np.minimum.reduceat(low, pairs, 1), np.maximum.reduceat(high, pairs, 1)
        tree.append((low, high))
    return tree[::-1]


def _meet(p: Array, q: Array, r: Array, s: Array) -> Any:
    """:func:`segments_intersect` of points whose squares do not overflow, unchecked."""
    apart = (side(p, q, r) * side(p, q, s) > 0) | (side(r, s, p) * side(r, s, q) > 0)
    boxes = (np.minimum(p, q), np.maximum(p, q), np.minimum(r, s), np.maximum(r, s))
    return ~apart & _boxes_meet(*boxes)


def _boxes_meet(low_a: Array, high_a: Array, low_b: Array, high_b: Array) -> Any:
    """Whether boxes, given by their corners ``(…, 2)``, overlap up to rounding."""
    low, high = np.maximum(low_a, low_b), np.minimum(high_a, high_b)
    return np.all(low - high <= ROUNDING * (np.abs(low) + np.abs(high)), axis=-1)


def _parallel(p: Array, q: Array, r: Array, s: Array) -> Any:
    """Whether (q − p) × (s − r) is zero up to the rounding of the coordinates."""
    u, v = np.abs(q - p), np.abs(s - r)
    size = np.abs(p) + np.abs(q) + np.abs(r) + np.abs(s)
    error = ROUNDING * (size * (u + v)[..., ::-1]).sum(-1)
    return np.abs(cross(q - p, s - r)) <= error


def _lines(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> list[Array]:
    """The points of two lines, scaled; refuses a line through two equal points."""
    points = broadcast(p=p, q=q, r=r, s=s)
    for names, a, b in (("p and q", *points[:2]), ("r and s", *points[2:])):
        if np.all(a == b, axis=-1).any():
            raise ValueError(f"{names} are equal: no line is defined")
    k = exponents(*points)
    return [scaled(a, k) for a in points]
