"""The area under a map: a determinant, measured."""

from genbook import geometry
from genbook.checks import Case, Question, answers, dataclass, np
from genbook.geometry import Array


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


def ratio(f, x, side):
    square = side / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return float(geometry.polygon_area(f(x + square)) / side**2)


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    shear, curve = rng.uniform(0.3, 1, 2)
    x = rng.uniform(0.3, 1, 2)
    return [
        Case((Bend(0.5, 0.0), np.array([1.0, 2.0]), 0.1), label="a linear map"),
        Case((Bend(shear, curve), x, 0.2), label="a curved map"),
        Case((Bend(shear, curve, -1.0), x, 0.2), label="a map that mirrors"),
        Case((Bend(curve, shear), -x, 0.01), label="a small square"),
        Case((Bend(shear, curve, 1.0, 0.8), x, 0.4), label="a map that twists"),
    ]


ANSWERS = answers("""
by diagonals: return → a, b, c, d = f(x + square);return
    geometry.polygon_area(f(x + square)) → geometry.cross(c - a, d - b) / 2
by triangles: return → a, b, c, d = f(x + square);return
    geometry.polygon_area(f(x + square)) → geometry.cross([b - a, c - a], [c - a, d - a]).sum() / 2
sign lost: float( → abs(
    You lost the sign. A map that mirrors has a negative ratio, and that is worth knowing: keep the
    signed area.
clockwise: float( → -float(
    Every sign is wrong: the corners of your square run clockwise.
not divided by the area: side**2 → side
    You divide by the side. An area is compared with an area: divide by its square.
not divided at all: / side**2 →
    You return the area of the image. Divide it by that of the square.
corners in zigzag: [1, 1], [-1, 1] → [-1, 1], [1, 1]
    Your corners do not run around the square. Row by row they make an eight, whose loops cancel.
slopes instead of corners:
    → float(np.linalg.det(f(x + side / 2 * np.eye(2)) - f(x - side / 2 * np.eye(2)))) / side**2
    You made a determinant from the slopes through the middles of the sides. The question asks for
    the area of the four corners' images.
corner instead of centre: x + square → x + side / 2 + square
    Your square has x as its corner. Put x in the middle: then the error falls with its square.
diagonal only:
    → float(np.diag(f(x + side / 2 * np.eye(2)) - f(x - side / 2 * np.eye(2))).prod()) / side**2
    You multiplied the two stretches along the axes. That forgets the shear: a determinant has a
    second product.
half sides: side / 2 * np → side * np
    Your square has twice the side: its corners are at ± side / 2 from the middle.
1 / ±1 is ±1: side / 2 * np ≡ side / 2 / np
half a turn maps the square to itself, and keeps its direction: x + square ≡ x - square
""")
QUESTION = Question("geometry.ratio", 2, ratio, cases, ANSWERS)
