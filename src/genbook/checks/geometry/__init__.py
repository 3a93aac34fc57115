"""The questions of the exercise sheet on computational geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genbook import geometry
from genbook.checks import Case, Misconception, Question
from genbook.geometry import Array

__all__ = ["QUESTIONS"]


def _point(*numbers: float) -> Array:
    return np.array(numbers, dtype=np.float64)


# --- 1. By hand ----------------------------------------------------------------------------------


def by_hand() -> tuple[float, int, int]:
    return (12 - 1 + 6) / 2, 3, -1


def _by_hand_package() -> list[float]:
    polygon = np.array([[0, 0], [4, 0], [5, 3], [2, 1], [0, 3]])
    crossings = geometry.ray_crossings([0.5, 1], polygon)
    turn = geometry.orientation(polygon[2], polygon[3], polygon[4])
    return [float(geometry.polygon_area(polygon)), int(crossings), int(turn)]


BY_HAND = Question(
    id="geometry.by_hand",
    points=2,
    name="by_hand",
    reference=by_hand,
    cases=lambda seed: [Case(label="the three numbers")],
    alternatives=(_by_hand_package, lambda: np.array([8.5, 3.0, -1.0])),
    misconceptions=(
        Misconception(
            "without the half",
            lambda: (17, 3, -1),
            "Your area is twice too large. Each term of the shoelace is a parallelogram, and the "
            "polygon is made of triangles.",
        ),
        Misconception(
            "clockwise",
            lambda: (-8.5, 3, -1),
            "Your area has the wrong sign. The corners run counterclockwise, the inside on the "
            "left, and that is positive.",
        ),
        Misconception(
            "turn before crossings",
            lambda: (8.5, -1, 3),
            "The numbers are right, but their order is not: the area, the crossings, the turn.",
        ),
        Misconception(
            "corner counted once",
            lambda: (8.5, 2, -1),
            "You counted the corner (2, 1) once. Count edges, not corners: both of its edges have "
            "it as their lower end, and the lower end belongs to an edge.",
        ),
        Misconception(
            "corner not counted",
            lambda: (8.5, 1, -1),
            "You left out the two edges that meet in the corner (2, 1). It is the lower end of "
            "both, and the lower end belongs to an edge.",
        ),
        Misconception(
            "turn to the left",
            lambda: (8.5, 3, 1),
            "Your turn has the wrong sign. Left is positive; at the corner (2, 1) the polygon is "
            "dented, so a walker who keeps the inside on the left turns right.",
        ),
    ),
)


# --- 2. Which way does it turn? ------------------------------------------------------------------


def turn(p: Array, q: Array, r: Array) -> int:
    a = (q[0] - p[0]) * (r[1] - p[1])
    b = (q[1] - p[1]) * (r[0] - p[0])
    if abs(a - b) <= 1e-9 * (abs(a) + abs(b)):
        return 0
    return 1 if a > b else -1


def _turn_numpy(p: Array, q: Array, r: Array) -> np.ndarray:
    terms = (q - p) * (r - p)[::-1]
    area = terms[0] - terms[1]
    return np.where(np.abs(area) > 1e-9 * np.abs(terms).sum(), np.sign(area), 0).astype(int)


def _turn_ratio(p: Array, q: Array, r: Array) -> int:
    (ux, uy), (vx, vy) = (q - p).tolist(), (r - p).tolist()
    size = abs(ux * vy) + abs(uy * vx)
    share = (ux * vy - uy * vx) / size if size else 0.0
    return int(share > 1e-9) - int(share < -1e-9)


def _turn_if(zero: Callable[[float, float], bool]) -> Callable[..., int]:
    """A turn with another idea of zero, given the two products."""

    def wrong(p: Array, q: Array, r: Array) -> int:
        (ux, uy), (vx, vy) = q - p, r - p
        a, b = ux * vy, uy * vx
        return 0 if zero(a, b) else (1 if a > b else -1)

    return wrong


def _turn_by_lengths(p: Array, q: Array, r: Array) -> int:
    u, v = q - p, r - p
    area = u[0] * v[1] - u[1] * v[0]
    return int(np.sign(area)) if abs(area) > 1e-9 * np.hypot(*u) * np.hypot(*v) else 0


def _turn_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    p, q, r = rng.uniform(-1, 1, (3, 2))
    row = [_point(0.1, 0.7) + k * _point(1, 0.3) for k in (1e5, 2e5, 7e5)]
    return [
        Case((_point(0, 0), _point(2, 0), _point(1, 1)), label="to the left"),
        Case((_point(1, 1), _point(2, 3), _point(3, 2)), label="to the right"),
        Case((p, q, r), label="random points"),
        Case((p, r, q), label="the same, two exchanged"),
        Case((1e-7 * p, 1e-7 * q, 1e-7 * r), label="a tiny triangle"),
        Case((_point(0, 0), _point(-1e6, 1e6), _point(-2e6, 3e6)), label="a huge triangle"),
        Case(tuple(row), label="points on one line, as far as one can tell"),
        Case((row[1], row[0], row[2]), label="on one line, p in the middle"),
        Case((_point(1, 2), _point(-3, 1), _point(5, 3)), label="r behind p"),
        Case((p, p, r), label="p = q"),
        Case((_point(0, 0), _point(1, 1), _point(1, 1 + 3e-9)), label="r = (1, 1.000000003)"),
        Case((_point(0, 0), _point(-1, 1), _point(1, -1 - 1e-9)), label="r = (1, −1.000000001)"),
        Case((_point(0, 0), _point(1, 1e6), _point(1, 1.0001e6)), label="y in other units than x"),
    ]


TURN = Question(
    id="geometry.turn",
    points=3,
    name="turn",
    reference=turn,
    cases=_turn_cases,
    alternatives=(_turn_numpy, _turn_ratio),
    equivalent_mutants={
        "if abs(a - b) <= 1e-09 * (abs(a) + abs(b)): → "
        "if abs(b - a) <= 1e-09 * (abs(a) + abs(b)):": "the size of a difference has no order",
        "return 1 if a > b else -1 → return 1 if a >= b else -1": "equal products gave 0 before",
    },
    misconceptions=(
        Misconception(
            "absolute epsilon",
            _turn_if(lambda a, b: abs(a - b) <= 1e-9),
            "Your 1e-9 is an area, so it depends on the units: your tiny triangle is a line and "
            "your long line is bent. Compare with the two products.",
        ),
        Misconception(
            "no tolerance",
            _turn_if(lambda a, b: a == b),
            "You compare with zero exactly. Rounding bends a straight line; allow for a small part "
            "of the two products.",
        ),
        Misconception(
            "relative to the lengths",
            _turn_by_lengths,
            "You compare the area with |u| |v|, or the angle with a small number. Both change when "
            "one axis gets another unit; |a| + |b| changes as a − b does.",
        ),
        Misconception(
            "tolerance too small",
            _turn_if(lambda a, b: abs(a - b) <= 1e-9 * max(abs(a), abs(b))),
            "Your tolerance is too small. It has to be a billionth of |a| + |b|; a billionth of "
            "the larger product is less, and the tolerance of the chapter's function is far less.",
        ),
        Misconception(
            "right is positive",
            lambda p, q, r: -turn(p, q, r),
            "Left and right are exchanged: the second product is subtracted from the first, "
            "u_x v_y − u_y v_x.",
        ),
        Misconception(
            "left and right not told apart",
            lambda p, q, r: abs(turn(p, q, r)),
            "You return the size of the area without its sign. The sign says left or right.",
        ),
        Misconception(
            "dot product",
            lambda p, q, r: int(np.sign((q - p) @ (r - p))),
            "You took the dot product, which says forwards or backwards. Left or right is said by "
            "the cross product, u_x v_y − u_y v_x.",
        ),
    ),
)


# --- 3. Inside -----------------------------------------------------------------------------------


def inside(points: Array, polygon: Array) -> np.ndarray:
    x, y = points.T
    odd = np.zeros(len(points), dtype=bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        low, high = (a, b) if a[1] < b[1] else (b, a)
        left = (high[0] - low[0]) * (y - low[1]) > (high[1] - low[1]) * (x - low[0])
        odd ^= (low[1] <= y) & (y < high[1]) & left
    return odd


def _inside_loop(points: Array, polygon: Array) -> list[bool]:
    answers = []
    for x, y in points.tolist():
        crossed = 0
        for i in range(len(polygon)):
            (ax, ay), (bx, by) = polygon[i - 1].tolist(), polygon[i].tolist()
            if (ay > y) != (by > y):
                side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
                crossed += side > 0 if by > ay else side < 0
        answers.append(crossed % 2 == 1)
    return answers


def _inside_with(
    height: Callable[..., np.ndarray], left: Callable[..., np.ndarray] | None = None
) -> Callable[[Array, Array], np.ndarray]:
    """Counting with another rule for the heights of an edge, or for the points left of it."""

    def wrong(points: Array, polygon: Array) -> np.ndarray:
        x, y = points.T
        odd = np.zeros(len(points), dtype=bool)
        for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            low, high = (a, b) if a[1] < b[1] else (b, a)
            if left is not None:
                side = left(x, y, a, b)
            else:
                side = (high[0] - low[0]) * (y - low[1]) > (high[1] - low[1]) * (x - low[0])
            odd ^= height(y, low[1], high[1]) & side
        return odd

    return wrong


def _inside_without_last(points: Array, polygon: Array) -> np.ndarray:
    y = points[:, 1]
    low, high = np.sort([polygon[-1], polygon[0]], axis=0)[:, 1]
    a, b = (
        (polygon[-1], polygon[0]) if polygon[-1, 1] < polygon[0, 1] else (polygon[0], polygon[-1])
    )
    left = (b[0] - a[0]) * (y - a[1]) > (b[1] - a[1]) * (points[:, 0] - a[0])
    return inside(points, polygon) ^ (_half_open(y, low, high) & left)


def _left_of_all(points: Array, polygon: Array) -> np.ndarray:
    edges = np.roll(polygon, -1, axis=0) - polygon
    return np.asarray((geometry.cross(edges, points[:, None] - polygon) > 0).all(1))


def _inside_or(points: Array, polygon: Array) -> np.ndarray:
    return np.asarray(geometry.ray_crossings(points, polygon) > 0)


def _half_open(y: np.ndarray, low: float, high: float) -> np.ndarray:
    return (low <= y) & (y < high)


def _inside_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    crown = np.array([[0, 0], [8, 0], [8, 5], [6, 2], [4, 5], [2, 2], [0, 5]], dtype=float)
    lattice = np.stack(np.meshgrid(np.arange(-1.0, 10), np.arange(-1.0, 7)), -1).reshape(-1, 2)
    diamond = np.array([[2, 0], [4, 2], [2, 4], [0, 2]], dtype=float)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    star = rng.uniform(0.3, 1, (9, 1)) * np.stack([np.cos(angles), np.sin(angles)], 1)
    scattered = rng.uniform(-1, 1, (60, 2))
    eight = np.array([[-1, -1], [1, 1], [1, -1], [-1, 1]], dtype=float)
    turns = 0.8 * np.pi * np.arange(5)
    pentagram = np.stack([np.sin(turns), np.cos(turns)], 1)
    return [
        Case((_point(1, 1, 5, 1, 2, 3)[None].reshape(-1, 2), diamond), label="three points"),
        Case((scattered, star), label="random points and polygon"),
        Case((scattered, star[::-1].copy()), label="the other direction"),
        Case((lattice, crown), label="on corners and edges of a crown"),
        Case((lattice, diamond), label="on corners and edges of a diamond"),
        Case((scattered, eight), label="a polygon that crosses itself"),
        Case((1e-9 * lattice, 1e-9 * crown), label="a tiny crown"),
        Case((np.append(scattered, [[0, 0]], 0), pentagram), label="a pentagram and its middle"),
    ]


INSIDE = Question(
    id="geometry.inside",
    points=3,
    name="inside",
    reference=inside,
    cases=_inside_cases,
    alternatives=(_inside_loop, geometry.point_in_polygon),
    equivalent_mutants={
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True): → "
        "for a, b in zip(polygon, np.roll(polygon, 1, axis=0), strict=True):": (
            "the same edges from the other end, and each is taken upwards anyway"
        ),
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True): → "
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=False):": (
            "both have as many rows"
        ),
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0)): → "
        "for a, b in zip(polygon, np.roll(polygon, 1, axis=0)):": (
            "the same edges from the other end, and each is taken upwards anyway"
        ),
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True): → "
        "for a, b in zip(polygon, np.roll(polygon, -1, axis=0)):": "both have as many rows",
        "low, high = (a, b) if a[1] < b[1] else (b, a) → "
        "low, high = (a, b) if a[1] <= b[1] else (b, a)": "level edges never count",
    },
    misconceptions=(
        Misconception(
            "closed intervals",
            _inside_with(lambda y, low, high: (low <= y) & (y <= high)),
            "You count both ends of an edge, so a ray through a corner can cross two edges there. "
            "The upper end does not belong to an edge: low ≤ y < high.",
        ),
        Misconception(
            "open intervals",
            _inside_with(lambda y, low, high: (low < y) & (y < high)),
            "You count neither end of an edge, so a ray through a corner can slip between two "
            "edges. The lower end belongs to an edge: low ≤ y < high.",
        ),
        Misconception(
            "upper end instead of the lower",
            _inside_with(lambda y, low, high: (low < y) & (y <= high)),
            "Corners are counted once, but the rule is turned over: here the lower end belongs to "
            "an edge and the upper does not.",
        ),
        Misconception(
            "edges not taken upwards",
            _inside_with(
                _half_open,
                lambda x, y, a, b: (b[0] - a[0]) * (y - a[1]) > (b[1] - a[1]) * (x - a[0]),
            ),
            "Left of an edge depends on the direction of the edge. Take every edge from its lower "
            "to its upper end before you ask.",
        ),
        Misconception(
            "a line for the ray",
            _inside_with(_half_open, lambda x, y, a, b: np.ones(len(x), dtype=bool)),
            "You count the edges on both sides of the point. The ray goes to one side only: the "
            "point has to be to the left of the edge.",
        ),
        Misconception(
            "on the edge is left of it",
            _inside_with(
                _half_open,
                lambda x, y, a, b: (
                    ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) * np.sign(b[1] - a[1])
                    >= 0
                ),
            ),
            "Only points on an edge are wrong. Either you count them as left of it, and left means "
            "strictly left; or your ray goes to the left, and it has to go to the right.",
        ),
        Misconception(
            "nonzero rule",
            lambda points, polygon: geometry.point_in_polygon(points, polygon, rule="nonzero"),
            "You ask whether the polygon runs around the point at all. By the even-odd rule what "
            "is encircled twice is outside.",
        ),
        Misconception(
            "last edge forgotten",
            _inside_without_last,
            "The edge from the last corner to the first is missing. A polygon closes by itself.",
        ),
        Misconception(
            "left of all edges",
            _left_of_all,
            "You ask whether the point is to the left of every edge. That is right for convex "
            "polygons with counterclockwise corners only; count crossings.",
        ),
        Misconception(
            "or instead of exclusive or",
            _inside_or,
            "You say inside as soon as the ray crosses one edge. Inside means an odd number of "
            "crossings: each one changes the answer back, ^= and not |=.",
        ),
    ),
)


# --- 4. Repair: do two segments meet? ------------------------------------------------------------


def meet(p: Array, q: Array, r: Array, s: Array) -> bool:
    o = geometry.orientation
    apart = o(p, q, r) * o(p, q, s) > 0 or o(r, s, p) * o(r, s, q) > 0
    low = np.maximum(np.minimum(p, q), np.minimum(r, s))
    high = np.minimum(np.maximum(p, q), np.maximum(r, s))
    return bool(not apart and (low <= high).all())


def _meet_box_first(p: Array, q: Array, r: Array, s: Array) -> bool:
    for i in (0, 1):
        if max(p[i], q[i]) < min(r[i], s[i]) or max(r[i], s[i]) < min(p[i], q[i]):
            return False
    sides = [int(geometry.orientation(*t)) for t in ((p, q, r), (p, q, s), (r, s, p), (r, s, q))]
    return abs(sides[0] + sides[1]) < 2 and abs(sides[2] + sides[3]) < 2


def _signs(p: Array, q: Array, r: Array, s: Array) -> tuple[int, int]:
    o = geometry.orientation
    return int(o(p, q, r) * o(p, q, s)), int(o(r, s, p) * o(r, s, q))


def _strict(p: Array, q: Array, r: Array, s: Array) -> bool:
    first, second = _signs(p, q, r, s)
    return first < 0 and second < 0


def _given(p: Array, q: Array, r: Array, s: Array) -> bool:
    first, second = _signs(p, q, r, s)
    return first < 0 or second < 0


def _without_boxes(p: Array, q: Array, r: Array, s: Array) -> bool:
    first, second = _signs(p, q, r, s)
    return first <= 0 and second <= 0


def _one_line(p: Array, q: Array, r: Array, s: Array) -> bool:
    return _signs(p, q, r, s)[0] <= 0 and _boxes(p, q, r, s)


def _or_kept(p: Array, q: Array, r: Array, s: Array) -> bool:
    return min(_signs(p, q, r, s)) <= 0 and _boxes(p, q, r, s)


def _strict_boxes(p: Array, q: Array, r: Array, s: Array) -> bool:
    low = np.maximum(np.minimum(p, q), np.minimum(r, s))
    return meet(p, q, r, s) and bool((low < np.minimum(np.maximum(p, q), np.maximum(r, s))).all())


def _boxes_in_x(p: Array, q: Array, r: Array, s: Array) -> bool:
    level = np.array([1.0, 0.0])
    return _without_boxes(p, q, r, s) and _boxes(p * level, q * level, r * level, s * level)


def _boxes(p: Array, q: Array, r: Array, s: Array) -> bool:
    low = np.maximum(np.minimum(p, q), np.minimum(r, s))
    return bool((low <= np.minimum(np.maximum(p, q), np.maximum(r, s))).all())


def _meet_cases(seed: int) -> list[Case]:
    named = {
        "crossing": [0, 0, 2, 2, 0, 2, 2, 0],
        "crossing, level and upright": [0, 1, 4, 1, 3, 0, 3, 2],
        "apart, one reaches across the other's line": [0, 0, 1, 0, 3, -1, 3, 2],
        "the same, exchanged": [3, -1, 3, 2, 0, 0, 1, 0],
        "apart, with boxes that overlap": [0, 0, 4, 4, 2, 1, 4, 3.5],
        "apart, boxes overlap, one line crossed": [0, 0, 4, 4, 3, 0, 2, 1.5],
        "the same exchanged, boxes overlap": [3, 0, 2, 1.5, 0, 0, 4, 4],
        "ending on the other": [0, 0, 2, 2, 1, 1, 3, 0],
        "the other ending on it": [1, 1, 3, 0, 0, 0, 2, 2],
        "ending on it with the second end": [0, 0, 2, 2, 0, 2, 1, 1],
        "the same with the two exchanged": [0, 2, 1, 1, 0, 0, 2, 2],
        "a common end": [0, 0, 1, 2, 1, 2, 3, 1],
        "on one line, apart": [0, 0, 1, 1, 2, 2, 3, 3],
        "on one line, overlapping": [0, 0, 2, 2, 1, 1, 3, 3],
        "on one line, touching": [0, 0, 1, 1, 1, 1, 3, 3],
        "level, apart": [0, 0, 1, 0, 2, 0, 3, 0],
        "upright, overlapping": [1, 0, 1, 3, 1, 2, 1, 5],
        "upright, apart": [1, 0, 1, 1, 1, 2, 1, 3],
        "parallel": [0, 0, 3, 3, 0, 1, 3, 4],
    }
    cases = [
        Case(tuple(np.array(numbers, dtype=float).reshape(4, 2)), label=label)
        for label, numbers in named.items()
    ]
    drawn = np.random.default_rng(seed).uniform(-1, 1, (6, 4, 2))
    return cases + [Case(tuple(points), label="random segments") for points in drawn]


MEET = Question(
    id="geometry.meet",
    points=3,
    name="meet",
    reference=meet,
    cases=_meet_cases,
    alternatives=(
        _meet_box_first,
        lambda p, q, r, s: len(geometry.segment_intersection(p, q, r, s)) > 0,
    ),
    misconceptions=(
        Misconception(
            "as given",
            _given,
            "Nothing is repaired yet. There are three mistakes: what joins the two conditions, "
            "what happens at zero, and segments on one line.",
        ),
        Misconception(
            "touching does not count",
            _strict,
            "A segment that ends on the other one has a sign of zero, and does meet it. With "
            "strict signs you miss all such pairs.",
        ),
        Misconception(
            "all on one line meet",
            _without_boxes,
            "For four points on one line all signs are zero, whether the segments overlap or not. "
            "There the bounding boxes have to decide.",
        ),
        Misconception(
            "or kept",
            _or_kept,
            "Both conditions have to hold, `and`: if both ends of one segment lie on one side of "
            "the other's line, they are apart, whatever the other two ends do.",
        ),
        Misconception(
            "strict boxes",
            _strict_boxes,
            "Your boxes have to overlap with an area. Boxes that touch count too, and the box of a "
            "level or an upright segment has no area at all: use ≤.",
        ),
        Misconception(
            "boxes in x only",
            _boxes_in_x,
            "You compare the boxes in x only. Upright segments one above the other differ in y.",
        ),
        Misconception(
            "boxes alone",
            _boxes,
            "You compare the bounding boxes only. Two slanted segments may pass each other within "
            "their boxes.",
        ),
        Misconception(
            "one line only",
            _one_line,
            "You ask on which sides of p–q the ends r and s lie, but not on which sides of r–s the "
            "ends p and q lie.",
        ),
    ),
)


# --- 5. The hull ---------------------------------------------------------------------------------


def hull(points: Array) -> Array:
    points = np.unique(points, axis=0)
    corners = []
    for path in (points, points[::-1]):
        chain: list[Array] = []
        for point in path:
            while len(chain) > 1 and _area(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        corners.extend(chain[:-1])
    return np.array(corners)


def _area(p: Array, q: Array, r: Array) -> float:
    return float(geometry.cross(q - p, r - p))


def _hull_by_wrapping(points: Array) -> Array:
    """Gift wrapping: from a corner, the next is the point that has no other to its right."""
    points = np.unique(points, axis=0)
    corners = [points[0]]
    for _ in range(len(points)):  # a hull has no more corners; with rounding it might never close
        here, best = corners[-1], points[0] if (corners[-1] != points[0]).any() else points[1]
        for point in points:
            area = _area(here, best, point)
            further = ((point - here) ** 2).sum() > ((best - here) ** 2).sum()
            if area < 0 or (area == 0 and further):
                best = point
        if (best == points[0]).all():
            break
        corners.append(best)
    return np.array(corners)


def _chains(
    points: Array,
    kept: Callable[[Array, Array, Array], bool] = lambda p, q, r: _area(p, q, r) > 0,
    without: int = 1,
) -> Array:
    """The two chains of points in their order; turns that are kept; ends that are left out."""
    corners: list[Array] = []
    for path in (points, points[::-1]):
        chain: list[Array] = []
        for point in path:
            while len(chain) > 1 and not kept(chain[-2], chain[-1], point):
                chain.pop()
            chain.append(point)
        corners += chain[: len(chain) - without]
    return np.array(corners)


def _hull_keeping(kept: Callable[[Array, Array, Array], bool]) -> Callable[[Array], Array]:
    """The hull with another idea of which turns are kept."""
    return lambda points: _chains(np.unique(points, axis=0), kept)


def _hull_closed(points: Array) -> Array:
    corners = hull(points)
    return np.concatenate([corners, corners[:1]])


def _lower_chain(points: Array) -> Array:
    corners = hull(points)
    return corners[: int(np.lexsort(corners.T[::-1])[-1]) + 1]


def _hull_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(np.arange(4.0), np.arange(3.0)), -1).reshape(-1, 2)
    ulp = np.spacing(0.3)
    column = np.array([[-1, 1], [0.3 + 2 * ulp, 0], [0.3 + ulp, 3], [0.3, 1.5]])
    return [
        Case((np.array([[0.0, 0], [2, 0], [1, 1], [1, 3]]),), label="a triangle, one point inside"),
        Case((rng.uniform(-1, 1, (12, 2)),), label="twelve random points"),
        Case((rng.permutation(lattice),), label="a lattice, with points along the sides"),
        Case((lattice[rng.integers(0, 12, 30)],), label="repeated points"),
        Case((rng.standard_normal((40, 2)),), label="forty random points"),
        Case((column,), label="an upright side, whose x differ in the last digit"),
    ]


HULL = Question(
    id="geometry.hull",
    points=3,
    name="hull",
    reference=hull,
    cases=_hull_cases,
    alternatives=(geometry.convex_hull, _hull_by_wrapping),
    equivalent_mutants={
        "while len(chain) > 1 and geometry.cross(chain[-1] - chain[-2], point - chain[-2]) <= 0: → "
        "while len(chain) > 1 and geometry.cross(chain[-1] - chain[-2], point - chain[-1]) <= 0:": (
            "u × (w − u) = u × w, since u × u = 0"
        ),
    },
    misconceptions=(
        Misconception(
            "points along the sides",
            _hull_keeping(lambda p, q, r: _area(p, q, r) >= 0),
            "You keep points that lie on a side of the hull. Straight on is no left turn: throw "
            "the middle point away at 0, too.",
        ),
        Misconception(
            "uncertain corners thrown away",
            _hull_keeping(lambda p, q, r: bool(geometry.orientation(p, q, r) > 0)),
            "Your hull has lost the end of an upright row. The careful sign is 0 for all of the "
            "row, and so you threw away a point that is not between the two others. Use the plain "
            "sign of the cross product.",
        ),
        Misconception(
            "sorted by x only",
            lambda points: _chains(points[np.argsort(points[:, 0], kind="stable")]),
            "You sorted by x only. Points one above the other have to come from bottom to top.",
        ),
        Misconception(
            "ends doubled",
            lambda points: _chains(np.unique(points, axis=0), without=0),
            "Two corners come twice. The last of each chain is the first of the other: leave it "
            "out.",
        ),
        Misconception(
            "clockwise",
            lambda points: np.roll(hull(points)[::-1], 1, axis=0),
            "The corners are right, but they run clockwise. Keep left turns, and begin with the "
            "lower chain.",
        ),
        Misconception(
            "first corner repeated",
            _hull_closed,
            "The first corner comes again at the end. Polygons of this book close by themselves.",
        ),
        Misconception(
            "lower chain only",
            _lower_chain,
            "You return the lower chain only. Walk back from right to left for the upper one.",
        ),
        Misconception(
            "another start",
            lambda points: np.roll(hull(points), -1, axis=0),
            "The corners are right, but do not begin with the leftmost (of several, the lowest).",
        ),
    ),
)


# --- 6. Crossings on a line ----------------------------------------------------------------------


def crossings(start: Array, end: Array) -> int:
    count = 0
    for i in range(len(start)):
        for j in range(i):
            count += (start[i] - start[j]) * (end[i] - end[j]) < 0
    return int(count)


def _order_changes(start: Array, end: Array) -> np.ndarray:
    """For each pair, the sign of the order at the start times that at the end: (N, N)."""
    return np.sign(start[:, None] - start) * np.sign(end[:, None] - end)


def _crossings_sorted(start: Array, end: Array) -> int:
    return _inversions(end[np.lexsort((end, start))])


def _inversions(ranked: Array) -> int:
    return sum(int((ranked[:i] > ranked[i]).sum()) for i in range(len(ranked)))


def _crossings_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    return [
        Case((_point(0, 1, 2), _point(1, 0, 2)), label="one pair exchanged"),
        Case((_point(0, 1, 2, 3), _point(3, 2, 1, 0)), label="all exchanged"),
        Case((_point(2, 0, 1), _point(5, 3, 4)), label="none exchanged"),
        Case((rng.standard_normal(9), rng.standard_normal(9)), label="random"),
        Case((0.1 * rng.standard_normal(7), 0.1 * rng.standard_normal(7)), label="closer together"),
        Case((_point(3, 1, 1, 2, 0), _point(4, 1, 4, 1, 2)), label="common ends"),
        Case((_point(0, 0, 1, 1, 2), _point(4, 4, 4, 1, 2)), label="common starts"),
    ]


CROSSINGS = Question(
    id="geometry.crossings",
    points=2,
    name="crossings",
    reference=crossings,
    cases=_crossings_cases,
    alternatives=(
        _crossings_sorted,
        lambda start, end: int((_order_changes(start, end) < 0).sum()) // 2,
    ),
    misconceptions=(
        Misconception(
            "every pair twice",
            lambda start, end: int((_order_changes(start, end) < 0).sum()),
            "You count every pair twice, as i and j and as j and i.",
        ),
        Misconception(
            "neighbours only",
            lambda start, end: int((np.diff(start) * np.diff(end) < 0).sum()),
            "You compare each path with the next one only. Any two paths may cross.",
        ),
        Misconception(
            "neighbours after sorting",
            lambda start, end: int((np.diff(end[np.argsort(start, kind="stable")]) < 0).sum()),
            "You sort by the start and compare neighbours only. A path may also cross one that is "
            "not its neighbour.",
        ),
        Misconception(
            "ties in any order",
            lambda start, end: _inversions(end[np.argsort(start, kind="stable")]),
            "You sort by the start only. Paths that begin together then count as exchanged if they "
            "happen to stand in the wrong order; sort them by their ends.",
        ),
        Misconception(
            "touching counts",
            lambda start, end: int(np.triu(_order_changes(start, end) <= 0, 1).sum()),
            "You count paths that begin or end in the same place. They touch, but their order does "
            "not change.",
        ),
        Misconception(
            "those that do not cross",
            lambda start, end: int((_order_changes(start, end) > 0).sum()) // 2,
            "You count the pairs that keep their order. Two paths cross if their order at the end "
            "is the opposite.",
        ),
        Misconception(
            "paths instead of pairs",
            lambda start, end: int((_order_changes(start, end) < 0).any(1).sum()),
            "You count the paths that cross another one. Count the pairs.",
        ),
    ),
)


# --- 7. The area under a map ---------------------------------------------------------------------


@dataclass(frozen=True)
class Bend:
    """A curved map of the plane, points (N, 2) to points (N, 2)."""

    shear: float
    curve: float
    mirror: float = 1.0
    twist: float = 0.0

    def __call__(self, points: Array) -> Array:
        x, y = points.T
        right = x + self.shear * y + self.curve * x**2 + self.twist * x**2 * y
        return np.stack([right, self.mirror * y + self.curve * np.sin(x)], 1)


def ratio(f: Callable[[Array], Array], x: Array, side: float) -> float:
    square = side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return float(geometry.polygon_area(f(x + square)) / side**2)


def _corners(f: Callable[[Array], Array], x: Array, side: float) -> Array:
    return f(x + side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]))


def _ratio_diagonals(f: Callable[[Array], Array], x: Array, side: float) -> float:
    a, b, c, d = _corners(f, x, side)
    return float(geometry.cross(c - a, d - b)) / 2 / side**2


def _ratio_triangles(f: Callable[[Array], Array], x: Array, side: float) -> float:
    a, b, c, d = _corners(f, x, side)
    triangles = geometry.cross(b - a, c - a) + geometry.cross(c - a, d - a)
    return float(triangles) / (2 * side * side)


def _ratio_from_corner(f: Callable[[Array], Array], x: Array, side: float) -> float:
    square = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return float(geometry.polygon_area(f(x + square)) / side**2)


def _ratio_zigzag(f: Callable[[Array], Array], x: Array, side: float) -> float:
    a, b, c, d = _corners(f, x, side)
    return float(geometry.polygon_area([a, b, d, c]) / side**2)


def _ratio_slopes(f: Callable[[Array], Array], x: Array, side: float) -> float:
    step = side / 2 * np.eye(2)
    return float(np.linalg.det((f(x + step) - f(x - step)) / side))


def _ratio_diagonal_only(f: Callable[[Array], Array], x: Array, side: float) -> float:
    step = side / 2 * np.eye(2)
    slopes = (f(x + step) - f(x - step)) / side
    return float(slopes[0, 0] * slopes[1, 1])


def _ratio_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    shear, curve = rng.uniform(0.3, 1, 2)
    x = rng.uniform(0.3, 1, 2)
    return [
        Case((Bend(0.5, 0.0), _point(1, 2), 0.1), label="a linear map"),
        Case((Bend(shear, curve), x, 0.2), label="a curved map"),
        Case((Bend(shear, curve, -1.0), x, 0.2), label="a map that mirrors"),
        Case((Bend(curve, shear), -x, 0.01), label="a small square"),
        Case((Bend(shear, curve, 1.0, 0.8), x, 0.4), label="a map that twists"),
    ]


RATIO = Question(
    id="geometry.ratio",
    points=2,
    name="ratio",
    reference=ratio,
    cases=_ratio_cases,
    alternatives=(_ratio_diagonals, _ratio_triangles),
    equivalent_mutants={
        "square = side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) → "
        "square = side / 2 / np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])": "1 / ±1 is ±1",
        "return float(geometry.polygon_area(f(x + square)) / side ** 2) → "
        "return float(geometry.polygon_area(f(x - square)) / side ** 2)": (
            "half a turn maps the square to itself, and keeps its direction"
        ),
        "return geometry.polygon_area(f(x + square)) / side ** 2 → "
        "return geometry.polygon_area(f(x - square)) / side ** 2": (
            "half a turn maps the square to itself, and keeps its direction"
        ),
    },
    misconceptions=(
        Misconception(
            "sign lost",
            lambda f, x, side: abs(ratio(f, x, side)),
            "You lost the sign. A map that mirrors has a negative ratio, and that is worth "
            "knowing: keep the signed area.",
        ),
        Misconception(
            "clockwise",
            lambda f, x, side: -ratio(f, x, side),
            "Every sign is wrong: the corners of your square run clockwise.",
        ),
        Misconception(
            "not divided by the area",
            lambda f, x, side: ratio(f, x, side) * side,
            "You divide by the side. An area is compared with an area: divide by its square.",
        ),
        Misconception(
            "not divided at all",
            lambda f, x, side: ratio(f, x, side) * side**2,
            "You return the area of the image. Divide it by that of the square.",
        ),
        Misconception(
            "corners in zigzag",
            _ratio_zigzag,
            "Your corners do not run around the square. Row by row they make an eight, whose two "
            "loops cancel.",
        ),
        Misconception(
            "slopes instead of corners",
            _ratio_slopes,
            "You made a determinant from the slopes through the middles of the sides. The question "
            "asks for the area of the four corners' images.",
        ),
        Misconception(
            "corner instead of centre",
            _ratio_from_corner,
            "Your square has x as its corner. Put x in the middle: then the error falls with the "
            "square of the side.",
        ),
        Misconception(
            "diagonal only",
            _ratio_diagonal_only,
            "You multiplied the two stretches along the axes. That forgets the shear: a "
            "determinant has a second product.",
        ),
    ),
)


QUESTIONS = [
    BY_HAND,
    TURN,
    INSIDE,
    MEET,
    HULL,
    CROSSINGS,
    RATIO,
    Question(id="geometry.explain", points=2, name="explain", manual=True),
]
