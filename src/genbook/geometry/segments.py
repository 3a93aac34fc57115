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
    distance_to_segment,
    dot,
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
    same = _on_one_line(p, q, r, s)
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
        ValueError: some of the lines are parallel or coincident, or cross farther away than the
            largest number, p = q, r = s, or shapes, NaN, infinity.
    """
    k = exponents(*broadcast(p=p, q=q, r=r, s=s))
    p, q, r, s = _lines(p, q, r, s)
    if (parallel := _parallel(p, q, r, s)).any():
        raise ValueError(f"{int(parallel.sum())} of {parallel.size} pairs of lines are parallel")
    t = cross(r - p, s - r) / cross(q - p, s - r)
    with np.errstate(over="ignore"):
        point = np.ldexp(p + t[..., None] * (q - p), k)
    if not np.isfinite(point).all():
        raise ValueError("lines cross farther away than the largest number")
    return point


def segments_intersect(p: ArrayLike, q: ArrayLike, r: ArrayLike, s: ArrayLike) -> Any:
    """Whether the segments p–q and r–s have a point in common; touching counts, ends included.

    They do if their bounding boxes overlap and each has its ends not on one side of the other's
    line. This holds for collinear segments and for single points (p = q), too. Signs and boxes are
    taken up to the rounding of the coordinates, as in :func:`~genbook.geometry.orientation`; the
    answer depends neither on the order of the segments nor on that of their ends.

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
    k = np.frexp(np.maximum.reduce([np.abs(a) for a in (p, q, r, s)]))[1]
    P, Q, R, S = (np.ldexp(a, -k) for a in (p, q, r, s))
    ends, near = np.stack([p, q, r, s]), np.stack([P, Q, R, S])
    if _on_one_line(P, Q, R, S):
        # Along the longer of the two: from where the second begins to where the first ends.
        along = max(Q - P, S - R, key=lambda v: float(dot(v, v)))
        t = near @ along
        first = max(min((0, 1), key=t.__getitem__), min((2, 3), key=t.__getitem__), key=t.item)
        last = min(max((0, 1), key=t.__getitem__), max((2, 3), key=t.__getitem__), key=t.item)
        return np.unique(ends[[first] if t[first] > t[last] else [first, last]], axis=0)
    # An end that lies on the other segment, or the point between: whichever is nearest to both.
    if denominator := cross(Q - P, S - R):
        t = np.clip(cross(R - P, S - R) / denominator, 0, 1)
        ends = np.concatenate([ends, np.ldexp(P + t * (Q - P), k)[None]])
        near = np.concatenate([near, (P + t * (Q - P))[None]])
    away = distance_to_segment(near, P, Q) + distance_to_segment(near, R, S)
    return ends[[away.argmin()]]


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
    p, q, r, s = *_ordered(p, q), *_ordered(r, s)
    apart = (side(p, q, r) * side(p, q, s) > 0) | (side(r, s, p) * side(r, s, q) > 0)
    boxes = (np.minimum(p, q), np.maximum(p, q), np.minimum(r, s), np.maximum(r, s))
    return ~apart & _boxes_meet(*boxes)


def _on_one_line(p: Array, q: Array, r: Array, s: Array) -> Any:
    """Whether each end of both segments lies on the other's line, as far as one can tell."""
    p, q, r, s = *_ordered(p, q), *_ordered(r, s)
    sides = (side(p, q, r), side(p, q, s), side(r, s, p), side(r, s, q))
    return ~np.any(sides, axis=0)


def _ordered(p: Array, q: Array) -> tuple[Array, Array]:
    """The two ends, the left one first (of two above each other, the lower): the rounding of
    :func:`side` then does not depend on the order in which they were given."""
    swap = (p[..., 0] > q[..., 0]) | ((p[..., 0] == q[..., 0]) & (p[..., 1] > q[..., 1]))
    return np.where(swap[..., None], q, p), np.where(swap[..., None], p, q)


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
