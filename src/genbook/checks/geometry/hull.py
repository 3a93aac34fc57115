"""The convex hull of points."""

from genbook import geometry
from genbook.checks import Case, Question, answers, np


def hull(points):
    points = np.unique(points, axis=0)
    corners = []
    for path in (points, points[::-1]):
        chain = []
        for point in path:
            while len(chain) > 1 and geometry.cross(chain[-1] - chain[-2], point - chain[-2]) <= 0:
                chain.pop()
            chain.append(point)
        corners += chain[:-1]
    return np.array(corners)


def cases(seed: int) -> list[Case]:
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


ANSWERS = answers("""
with the package: → geometry.convex_hull(points)
the point furthest to the right of a line is a corner; then so on with the two lines to it:
    def along(p, q, points):
        beyond = [r for r in points if geometry.cross(q - p, r - p) < 0]
        if not beyond:
            return [p]
        corner = min(beyond, key=lambda r: (geometry.cross(q - p, r - p), (q - p) @ r))
        return along(p, corner, beyond) + along(corner, q, beyond)
    points = np.unique(points, axis=0)
    return np.array(along(points[0], points[-1], points) + along(points[-1], points[0], points))
points along the sides: <= 0 → < 0
    You keep points that lie on a side of the hull. Straight on is no left turn: throw the middle
    point away at 0, too.
uncertain corners thrown away:
    cross(chain[-1] - chain[-2], point - chain[-2]) → orientation(*chain[-2:], point)
    Your hull has lost the end of an upright row. The careful sign is 0 for all of the row, and so
    you threw away a point that is not between the two others. Use the plain sign.
sorted by x only: np.unique(points, axis=0) → points[points[:, 0].argsort(kind="stable")]
    You sorted by x only. Points one above the other have to come from bottom to top.
ends doubled: chain[:-1] → chain
    Two corners come twice. The last of each chain is the first of the other: leave it out.
clockwise: np.array(corners) → np.roll(corners[::-1], 1, axis=0)
    or: np.array(corners) → np.array(corners[::-1])
    The corners are right, but they run clockwise. Keep left turns, and begin with the lower chain.
first corner repeated: np.array(corners) → np.array([*corners, corners[0]])
    The first corner comes again at the end. Polygons of this book close by themselves.
lower chain only: points, points[::-1] → points,; chain[:-1] → chain
    You return the lower chain only. Walk back from right to left for the upper one.
another start: np.array(corners) → np.roll(corners, -1, axis=0)
    The corners are right, but do not begin with the leftmost (of several, the lowest).
u × (w − u) = u × w, since u × u = 0: point - chain[-2] ≡ point - chain[-1]
""")
QUESTION = Question("geometry.hull", 4, hull, cases, ANSWERS)
