"""Which points are inside of a polygon, by the even-odd rule."""

from genbook import geometry  # noqa: F401, for the answers
from genbook.checks import Case, Question, answers, np


def inside(points, polygon):
    x, y = points.T
    odd = np.zeros(len(points), dtype=bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        low, high = (a, b) if a[1] < b[1] else (b, a)
        left = (high[0] - low[0]) * (y - low[1]) > (high[1] - low[1]) * (x - low[0])
        odd ^= (low[1] <= y) & (y < high[1]) & left
    return odd


def cases(seed: int) -> list[Case]:
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
        Case((np.array([[1.0, 1], [5, 1], [2, 3]]), diamond), label="three points"),
        Case((scattered, star), label="random points and polygon"),
        Case((scattered, star[::-1].copy()), label="the other direction"),
        Case((lattice, crown), label="on corners and edges of a crown"),
        Case((lattice, diamond), label="on corners and edges of a diamond"),
        Case((scattered, eight), label="a polygon that crosses itself"),
        Case((1e-9 * lattice, 1e-9 * crown), label="a tiny crown"),
        Case((np.append(scattered, [[0, 0]], 0), pentagram), label="a pentagram and its middle"),
    ]


ANSWERS = answers("""
with the package: → geometry.point_in_polygon(points, polygon)
by the sign of a cross product, counted, as a list:
    dtype=bool → dtype=int; odd ^= → odd +=; return odd → return (odd % 2 == 1).tolist()
    (high[0] - low[0]) * (y - low[1]) > → geometry.cross(high - low, points - low) >
    (high[1] - low[1]) * (x - low[0]) → 0
closed intervals: y < high → y <= high
    You count both ends of an edge, so a ray through a corner can cross two edges there. The upper
    end does not belong to an edge: low ≤ y < high.
open intervals: low[1] <= y → low[1] < y
    You count neither end of an edge, so a ray through a corner can slip between two edges. The
    lower end belongs to an edge: low ≤ y < high.
upper end instead of the lower: low[1] <= y → low[1] < y; y < high → y <= high
    Corners are counted once, but the rule is turned over: here the lower end belongs to an edge and
    the upper does not.
edges not taken upwards: if a[1] < b[1] else (b, a) →
    (low[1] <= y) & (y < high[1]) → (min(a[1], b[1]) <= y) & (y < max(a[1], b[1]))
    Left of an edge depends on the direction of the edge. Take every edge from its lower to its
    upper end before you ask.
a line for the ray: & left →
    You count the edges on both sides of the point. The ray goes to one side only: the point has to
    be to the left of the edge.
on the edge is left of it: (y - low[1]) > → (y - low[1]) >=
    Only points on an edge are wrong. Either you count them as left of it, and left means strictly
    left; or your ray goes to the left, and it has to go to the right.
nonzero rule: → geometry.point_in_polygon(points, polygon, "nonzero")
    You ask whether the polygon runs around the point at all. By the even-odd rule what is encircled
    twice is outside.
last edge forgotten: np.roll(polygon, -1, axis=0), strict=True → polygon[1:]
    The edge from the last corner to the first is missing. A polygon closes by itself.
left of all edges: np.zeros → np.ones; if a[1] < b[1] else (b, a) →
    ^= (low[1] <= y) & (y < high[1]) & → &=
    You ask whether the point is to the left of every edge. That is right for convex polygons with
    counterclockwise corners only; count crossings.
or instead of exclusive or: ^= → |=
    You say inside as soon as the ray crosses one edge. Inside means an odd number of crossings:
    each one changes the answer back, ^= and not |=.
the same edges from the other end, and each is taken upwards: polygon, -1 ≡ polygon, 1
both have as many rows: strict=True ≡ strict=False
both have as many rows: , strict=True ≡
level edges never count: a[1] < b[1] ≡ a[1] <= b[1]
""")
QUESTION = Question("geometry.inside", 4, inside, cases, ANSWERS)
