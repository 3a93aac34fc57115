"""Polygons: signed area, point in polygon, winding number, convex hull.

A polygon is the array ``(M, 2)`` of its corners, M ≥ 3, in either direction; it is closed by itself
(repeating the first corner at the end changes nothing).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genbook.geometry.vectors import Array, as_points, cross, exponents, on_segment, scaled, turn

__all__ = [
    "Rule",
    "convex_hull",
    "on_boundary",
    "point_in_polygon",
    "polygon_area",
    "ray_crossings",
    "winding_number",
]

Rule = Literal["even-odd", "nonzero"]


def polygon_area(polygon: ArrayLike) -> Any:
    """The signed area by the shoelace formula, positive for corners given counterclockwise.

        A = ½ Σ_i (v_i − v_0) × (v_{i+1} − v_0)

    The corners are taken relative to the first: far from the origin, v_i × v_{i+1} would be the
    difference of huge numbers. A part that is encircled twice counts twice.

    Args:
        polygon: corners ``(…, M, 2)``, one polygon or many.

    Returns:
        A number, or an array ``(…)``.

    Raises:
        ValueError: another shape, fewer than three corners, NaN, infinity, or an area that is
            larger than the largest number.
    """
    corners = as_points(polygon, "polygon")
    if corners.ndim < 2 or corners.shape[-2] < 3:
        raise ValueError(f"polygon must be at least 3 corners, (…, M, 2), got {corners.shape}")
    k = exponents(corners, axis=-2)
    corners = scaled(corners, k)
    arms = corners[..., 1:, :] - corners[..., :1, :]
    doubled = cross(arms[..., :-1, :], arms[..., 1:, :]).sum(-1)
    with np.errstate(over="ignore"):
        area = np.ldexp(doubled / 2, k.sum((-2, -1)))
    if not np.isfinite(area).all():
        raise ValueError("the area is larger than the largest number: divide the coordinates first")
    return area


def point_in_polygon(
    points: ArrayLike, polygon: ArrayLike, rule: Rule = "even-odd", boundary: bool | None = None
) -> Any:
    """Whether points lie inside a polygon, by counting what a ray to the right crosses.

    The half-open rule: an edge is crossed if its lower end is at or below the ray, its upper end
    above it, and the point strictly to its left. So a corner belongs to one of its two edges, and
    of a square the left and the lower side belong to it, the right and the upper do not.

    Of polygons that tile a region, edge to edge, each point is in exactly one, in exact arithmetic.
    Here the left side is the plain sign of a rounded determinant. It is the same for both owners of
    an edge; but a point within a few units in the last place of a corner or of a slanted edge may
    be counted twice or not at all.

    Args:
        points: ``(…, 2)``.
        polygon: corners ``(M, 2)``, in either direction; may cross itself.
        rule: of a polygon that crosses itself, "even-odd" takes what the ray leaves an odd number
            of times, "nonzero" all that is encircled.
        boundary: True or False puts every point of :func:`on_boundary` inside or outside; None is
            the half-open rule.

    Returns:
        Booleans ``(…)``.

    Raises:
        ValueError: unknown rule, fewer than three corners, or shapes, NaN, infinity.

    References:
        Shimrat (1962), Algorithm 112: Position of point relative to polygon; Hormann & Agathos
        (2001), The point in polygon problem for arbitrary polygons.
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule must be one of {get_args(Rule)}, got {rule!r}")
    if rule == "even-odd":
        inside = _ray(points, polygon, bool, lambda total, crossed, _: total.__ixor__(crossed))
    else:
        inside = winding_number(points, polygon) != 0
    if boundary is None:
        return inside
    edge = on_boundary(points, polygon)
    return inside | edge if boundary else inside & ~edge


def ray_crossings(points: ArrayLike, polygon: ArrayLike) -> Any:
    """How many edges a ray from each point to the right crosses, by the half-open rule.

    Args, shapes and errors as in :func:`point_in_polygon`; returns integers ``(…)``.
    """
    return _ray(points, polygon, int, lambda total, crossed, _: total.__iadd__(crossed))


def winding_number(points: ArrayLike, polygon: ArrayLike) -> Any:
    """How often the polygon runs around each point, counterclockwise counted positive.

    The ray's crossings, upwards counted +1 and downwards −1: equal to the sum of the angles under
    which the point sees the edges, divided by 2π, without computing an angle.

    Args, shapes and errors as in :func:`point_in_polygon`; returns integers ``(…)``.
    """
    return _ray(points, polygon, int, _count_turns)


def on_boundary(points: ArrayLike, polygon: ArrayLike, tolerance: float = 1e-12) -> Any:
    """Whether points ``(…, 2)`` lie on an edge, as :func:`~genbook.geometry.on_segment` has it.

    Raises:
        ValueError: fewer than three corners, or shapes, NaN, infinity.
    """
    points = as_points(points, "points")
    corners = as_points(polygon, "polygon", least=3)
    edge = np.zeros(points.shape[:-1], bool)
    for p, q in zip(corners, np.roll(corners, -1, 0), strict=True):
        edge |= on_segment(points, p, q, tolerance)
    return edge[()]


def _count_turns(total: NDArray[Any], crossed: NDArray[np.bool_], upwards: bool) -> None:
    total += crossed if upwards else -crossed.astype(int)


def _ray(
    points: ArrayLike,
    polygon: ArrayLike,
    kind: type,
    count: Callable[[NDArray[Any], NDArray[np.bool_], bool], object],
) -> Any:
    """What a ray from each point crosses: ``count(total, crossed, upwards)`` an edge.

    The ray goes to the right.

    With the points sorted by height, those that an edge can concern are one block of
    the sorted list, [lower end, upper end): the half-open rule is the binary search's.
    Each edge is taken upwards, so that two polygons which share it compute the same
    number, to the last digit.
    """
    points = as_points(points, "points")
    corners = as_points(polygon, "polygon", least=3)
    k = exponents(corners, axis=0)[0]
    with np.errstate(over="ignore"):  # a point at infinity is outside
        x, y = scaled(points, k).reshape(-1, 2).T
        a = scaled(corners, k)
        b = np.roll(a, -1, 0)
        order = _by_height(y, a[:, 1].min(), a[:, 1].max())
        x, y = x[order], y[order]
        upwards = b[:, 1] > a[:, 1]
        lower, upper = np.where(upwards[:, None], [a, b], [b, a])
        first, last = np.searchsorted(y, lower[:, 1]), np.searchsorted(y, upper[:, 1])
        total: NDArray[Any] = np.zeros(len(y), kind)
        for i in np.flatnonzero(first < last):
            block = slice(first[i], last[i])
            (left, bottom), (right, top) = lower[i], upper[i]
            rise = (right - left) * (y[block] - bottom)
            crossed = rise > (top - bottom) * (x[block] - left)
            count(total[block], crossed, bool(upwards[i]))
    result = np.empty_like(total)
    result[order] = total
    return result.reshape(points.shape[:-1])[()]


def _by_height(y: Array, low: float, high: float) -> NDArray[np.intp]:
    """The order that sorts y: first roughly, by 2^16 buckets between low and high, then exactly.

    Small integers are sorted by radix, and the stable sort merges what is nearly sorted. For 10^5
    evenly spread heights that takes a third of one sort's time; but nearly twice that time if most
    of them lie beyond low and high, where the buckets do not tell them apart.
    """
    if not low < high:
        return np.argsort(y)
    buckets = np.clip((y - low) * (65535 / (high - low)), 0, 65535).astype(np.uint16)
    order = np.argsort(buckets, kind="stable")
    return order[np.argsort(y[order], kind="stable")]


def convex_hull(points: ArrayLike) -> Array:
    """The corners of the smallest convex polygon that contains the points, up to rounding.

    Andrew's monotone chain: sort by x, walk to the right keeping left turns only (the lower chain),
    walk back (the upper chain). Here a turn is the plain sign of its determinant. Afterwards, what
    rounding alone makes a corner is removed.

    So no point lies certainly to the right of a side, in the sense of
    :func:`~genbook.geometry.orientation`, and a corner is kept only if the polygon without it would
    break this rule. The coordinates' extremes are kept up to rounding.

    Args:
        points: ``(N, 2)`` with N ≥ 3, repetitions allowed.

    Returns:
        Corners ``(H, 2)``, counterclockwise from the leftmost (of several the lowest), none
        repeated: H = 2 if all points lie on one line, H = 1 if all are equal, else H ≥ 3.

    Raises:
        ValueError: fewer than three points, or shapes, NaN, infinity.

    References:
        Andrew (1979), Another efficient algorithm for convex hulls in two dimensions; the removal
        is that of Douglas and Peucker (1973), Algorithms for the reduction of the number of points
        required to represent a digitized line.
    """
    points = as_points(points, "points", least=3)
    units = scaled(points, exponents(points, axis=0))
    order = _outer(units)
    order = order[np.lexsort((units[order, 1], units[order, 0]))]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (units[order[1:]] != units[order[:-1]]).any(1)
    order = order[fresh]
    if len(order) == 1:
        return points[order]
    lower = _left_turns(units[order])
    upper = len(order) - 1 - _left_turns(units[order[::-1]])
    order = order[np.concatenate([lower[:-1], upper[:-1]])]
    corners = points[order[_needed(units[order])]]
    return np.roll(corners, -np.lexsort((corners[:, 1], corners[:, 0]))[0], axis=0)


def _outer(points: Array) -> NDArray[np.intp]:
    """The points that may be corners: not those within the octagon of the extreme points.

    (Akl and Toussaint 1978, with eight directions.) Of a cloud of points, few are left to sort.
    """
    x, y = points.T
    ends = [f(v) for f in (np.argmin, np.argmax) for v in (x, x + y, y, y - x)]
    outer = ~point_in_polygon(points, points[ends])
    outer[ends] = True  # half of the octagon's corners are inside, by the half-open rule
    return np.flatnonzero(outer)


def _left_turns(path: Array) -> NDArray[np.intp]:
    """Which points of a path, sorted by x, are on the convex chain below it: its indices."""
    kept = np.arange(len(path))
    # All at once: what lies above the line from its one neighbour to the other is no corner. What
    # rounding leaves open stays: on a fine arc each point is nearly on its neighbours' line.
    while len(kept) > 2:
        det, error = turn(*(path[kept[i : len(kept) - 2 + i]].T for i in range(3)))
        stays = np.concatenate([[True], det >= -error, [True]])
        if (det > error).all() or stays.mean() > 0.95:
            break
        kept = kept[stays]
    # One by one, each against the last that stayed. The plain sign: b is dropped only if it lies
    # between a and c, to a few units in the last place. Were it dropped wherever the sign is not
    # certain, a column of points that rounding has disordered in x would lose its ends.
    chain: list[int] = []
    corners = path.tolist()
    for i in kept.tolist():
        c = corners[i]
        while len(chain) > 1:
            a, b = corners[chain[-2]], corners[chain[-1]]
            if (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]):
                break
            chain.pop()
        chain.append(i)
    return np.array(chain)


def _needed(corners: Array) -> NDArray[np.bool_]:
    """Which corners of a convex polygon are more than rounding.

    Kept is a corner whose turn is certain, or the tip of a needle (its two sides go
    back the same way). Of the others, those between two that are kept are all dropped
    if none of them lies certainly outside of the line between the two; else the
    outermost is kept, and so on.
    """
    if len(corners) < 3:
        return np.ones(len(corners), bool)
    before, after = np.roll(corners, 1, 0), np.roll(corners, -1, 0)
    det, error = turn(before.T, corners.T, after.T)
    kept = (det > error) | (((corners - before) * (after - corners)).sum(1) < 0)
    if kept.all():
        return kept
    if kept.sum() < 2:  # a fine closed curve: the farthest point from one is a corner
        one = ((corners - corners[0]) ** 2).sum(1).argmax()
        kept[[one, ((corners - corners[one]) ** 2).sum(1).argmax()]] = True
    n, sure = len(corners), np.flatnonzero(kept).tolist()
    gaps = list(zip(sure, [*sure[1:], sure[0] + n], strict=True))  # counted on beyond n
    while gaps:
        first, last = gaps.pop()
        if last - first < 2:
            continue
        between = np.arange(first + 1, last) % n
        det, error = turn(corners[first % n], corners[last % n], corners[between].T)
        if (det < -error).any():
            middle = first + 1 + int(det.argmin())
            kept[middle % n] = True
            gaps += [(first, middle), (middle, last)]
    return kept
