"""Vectors and points: products, rotation, the side of a line, and distances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Array",
    "cross",
    "distance_to_segment",
    "dot",
    "on_line",
    "on_segment",
    "orientation",
    "rotate",
    "rotation",
]

Array = NDArray[np.float64]

# What a coordinate is worth: rounded when it was stored, and once or twice when it was computed.
ROUNDING = 2 * float(np.finfo(np.float64).eps)


def as_points(value: ArrayLike, name: str, least: int | None = None) -> Array:
    """The value as a float64 array ``(…, 2)``; as ``(N, 2)`` with N ≥ least if ``least`` is given.

    Raises:
        ValueError: another shape, too few points, NaN or infinity.
        TypeError: not real numbers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, got an array of {array.dtype}")
    if array.ndim == 0 or array.shape[-1] != 2 or (least is not None and array.ndim != 2):
        wanted = "(…, 2)" if least is None else "(N, 2)"
        raise ValueError(f"{name} must have shape {wanted}, got {array.shape}")
    if least is not None and len(array) < least:
        raise ValueError(f"{name} must be at least {least} points, got {len(array)}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"NaN or infinity in {name}")
    return array


def broadcast(**points: ArrayLike) -> list[Array]:
    """Arrays of points ``(…, 2)``, brought to one shape.

    Raises:
        ValueError: a shape is not ``(…, 2)``, or the shapes do not broadcast.
    """
    arrays = [as_points(value, name) for name, value in points.items()]
    try:
        return list(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(points, arrays, strict=True))
        raise ValueError(f"the shapes do not broadcast: {shapes}") from None


def exponents(*points: Array, axis: int | tuple[int, ...] | None = None) -> NDArray[np.intc]:
    """The powers of two, k, by which :func:`scaled` divides coordinates that are huge or tiny.

    2^k is near the largest coordinate: of all arrays, and along ``axis`` of each (kept, so that k
    broadcasts); without an axis, one magnitude for x and one for y, at each place of the arrays. It
    is 0 where the coordinates' products neither overflow nor vanish anyway.
    """
    sizes = [np.abs(p) if axis is None else np.abs(p).max(axis, keepdims=True) for p in points]
    k = np.frexp(np.maximum.reduce(sizes))[1]
    return np.where(np.abs(k) < 400, 0, k)


def scaled(points: Array, k: NDArray[np.intc]) -> Array:
    """points · 2^−k: exactly, but for coordinates so much smaller than 2^k that they underflow."""
    return np.ldexp(points, -k) if k.any() else points


def dot(u: ArrayLike, v: ArrayLike) -> Any:
    """u · v = u_x v_x + u_y v_y = |u| |v| cos θ, of vectors ``(…, 2)``.

    Returns:
        A number, or an array of the broadcast shape ``(…)``.

    Raises:
        ValueError: a shape is not ``(…, 2)``, NaN or infinity.
    """
    (ux, uy), (vx, vy) = (np.moveaxis(a, -1, 0) for a in broadcast(u=u, v=v))
    return ux * vx + uy * vy


def cross(u: ArrayLike, v: ArrayLike) -> Any:
    """u × v = u_x v_y − u_y v_x = |u| |v| sin θ, of vectors ``(…, 2)``.

    The signed area of the parallelogram that u and v span: positive if v lies to the
    left of u.

    Returns:
        A number, or an array of the broadcast shape ``(…)``.

    Raises:
        ValueError: a shape is not ``(…, 2)``, NaN or infinity.
    """
    (ux, uy), (vx, vy) = (np.moveaxis(a, -1, 0) for a in broadcast(u=u, v=v))
    return ux * vy - uy * vx


def rotation(angle: float) -> Array:
    """The matrix [[cos, −sin], [sin, cos]] that turns a column to the left by ``angle`` (radians).

    Raises:
        ValueError: the angle is NaN or infinite.
    """
    if not np.isfinite(angle):
        raise ValueError(f"angle must be finite, got {angle}")
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])


def rotate(points: ArrayLike, angle: float, about: ArrayLike = (0.0, 0.0)) -> Array:
    """Points ``(…, 2)`` turned by ``angle`` (radians) to the left about a point ``(2,)``.

    Raises:
        ValueError: a shape is not ``(…, 2)``, NaN or infinity.
    """
    points, centre = broadcast(points=points, about=about)
    # Rows, not columns: (R p)ᵀ = pᵀ Rᵀ.
    return centre + (points - centre) @ rotation(angle).T


def orientation(p: ArrayLike, q: ArrayLike, r: ArrayLike) -> Any:
    """Which way p → q → r turns: 1 left, −1 right, 0 straight on, or not to be told.

    The sign of (q − p) × (r − p), twice the signed area of the triangle. It counts only where this
    is larger than ε, for then the rounding of the coordinates cannot have changed it; else it is 0:

        ε = τ (X (|u_y| + |v_y|) + Y (|u_x| + |v_x|)),    u = q − p,  v = r − p,

    with X = |p_x| + |q_x| + |r_x|, Y likewise, and τ = 2 · 2⁻⁵². So each axis may
    have its own unit, from 1e-300 to 1e300.

    Args:
        p, q, r: points ``(…, 2)``.

    Returns:
        −1, 0 or 1 as integers of the broadcast shape ``(…)``.

    Raises:
        ValueError: a shape is not ``(…, 2)``, NaN or infinity.

    References:
        Shewchuk (1997), Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
        Predicates: a filter similar in spirit, made of the products; there the points are exact.
    """
    points = broadcast(p=p, q=q, r=r)
    k = exponents(*points)
    return side(*(scaled(a, k) for a in points))


def side(p: Array, q: Array, r: Array) -> Any:
    """:func:`orientation` of points whose squares do not overflow, unchecked."""
    det, error = turn(*(np.moveaxis(a, -1, 0) for a in (p, q, r)))
    return (det > error).astype(int) - (det < -error)


def turn(p: Any, q: Any, r: Any) -> tuple[Any, Any]:
    """The determinant, and a bound: where it is larger, its sign is certain."""
    (px, py), (qx, qy), (rx, ry) = p, q, r
    ux, uy, vx, vy = qx - px, qy - py, rx - px, ry - py
    size_x = abs(px) + abs(qx) + abs(rx)
    size_y = abs(py) + abs(qy) + abs(ry)
    error = ROUNDING * (size_x * (abs(uy) + abs(vy)) + size_y * (abs(ux) + abs(vx)))
    return ux * vy - uy * vx, error


def on_line(
    points: ArrayLike,
    p: ArrayLike,
    q: ArrayLike,
    tolerance: float = 1e-12,
) -> Any:
    """Whether points ``(…, 2)`` lie on the line through p and q, relative to its size.

    The distance |(q − p) × (x − p)| / |q − p| may be ``tolerance`` times the figure's
    size, the larger of |q − p| and |x − p|, plus what the rounding of the coordinates
    makes of it.

    Raises:
        ValueError: p = q, where no line is defined, or shapes, NaN, infinity.
    """
    points, p, q = _one_unit(points=points, p=p, q=q)
    along, away = q - p, points - p
    length = np.hypot(along[..., 0], along[..., 1])
    if (length == 0).any():
        raise ValueError("p and q are equal: no line is defined")
    extent = np.maximum(length, np.hypot(away[..., 0], away[..., 1]))
    allowed = (tolerance + _rounding(points, p, q) / length) * extent
    return np.abs(cross(along, away)) <= allowed * length


def on_segment(points: ArrayLike, p: ArrayLike, q: ArrayLike, tolerance: float = 1e-12) -> Any:
    """Whether points ``(…, 2)`` lie on the segment from p to q, its ends included.

    The distance may be ``tolerance`` · |q − p|, plus the rounding of the coordinates. If p = q, the
    segment is that point.

    Raises:
        ValueError: shapes, NaN, infinity.
    """
    points, p, q = _one_unit(points=points, p=p, q=q)
    length = np.hypot(*np.moveaxis(q - p, -1, 0))
    return _distance(points, p, q) <= tolerance * length + _rounding(points, p, q)


def distance_to_segment(points: ArrayLike, p: ArrayLike, q: ArrayLike) -> Any:
    """The distance of points ``(…, 2)`` from the nearest point of the segment from p to q.

        |x − p − t (q − p)|,    t = (x − p)·(q − p) / |q − p|², clipped to [0, 1]

    Raises:
        ValueError: shapes, NaN, infinity, or a distance larger than the largest number.
    """
    arrays = broadcast(points=points, p=p, q=q)
    k = exponents(*arrays, axis=-1)
    with np.errstate(over="ignore"):
        distance = np.ldexp(_distance(*(scaled(a, k) for a in arrays)), k[..., 0])
    if not np.isfinite(distance).all():
        raise ValueError("a distance is larger than the largest number: divide the coordinates")
    return distance


def _one_unit(**points: ArrayLike) -> list[Array]:
    """Points brought to one shape, both coordinates divided by the same power of two."""
    arrays = broadcast(**points)
    k = exponents(*arrays, axis=-1)
    return [scaled(a, k) for a in arrays]


def _distance(points: Array, p: Array, q: Array) -> Array:
    along, away = q - p, points - p
    square = dot(along, along)
    t = np.clip(dot(away, along) / np.where(square > 0, square, 1), 0, 1)
    return np.hypot(*np.moveaxis(away - t[..., None] * along, -1, 0))


def _rounding(*points: Array) -> Array:
    """How far rounding may have moved a point: both coordinates of it, and of p and q."""
    return 2 * ROUNDING * np.maximum.reduce([np.abs(p).max(-1) for p in points])
