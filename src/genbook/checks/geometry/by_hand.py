"""An area, a number of crossings and a turn, by hand."""

from genbook import geometry  # noqa: F401, for the answers
from genbook.checks import Question, answers, pencil


def by_hand():
    return (12 - 1 + 6) / 2, 3, -1


ANSWERS = answers("""
with the package:
    polygon = np.array([[0, 0], [4, 0], [5, 3], [2, 1], [0, 3]])
    crossings, turn = geometry.ray_crossings([0.5, 1], polygon), geometry.orientation(*polygon[2:])
    return [float(geometry.polygon_area(polygon)), int(crossings), int(turn)]
as an array: → np.array([8.5, 3.0, -1.0])
without the half: / 2 →
    Your area is twice too large. Each term of the shoelace is a parallelogram, and the polygon is
    made of triangles.
clockwise: (12 → -(12
    Your area has the wrong sign. The corners run counterclockwise, the inside on the left, and that
    is positive.
turn before crossings: 3, -1 → -1, 3
    The numbers are right, but their order is not: the area, the crossings, the turn.
corner counted once: 3, → 2,
    You counted the corner (2, 1) once. Count edges, not corners: both of its edges have it as their
    lower end, and the lower end belongs to an edge.
corner not counted: 3, → 1,
    You left out the two edges that meet in the corner (2, 1). It is the lower end of both, and the
    lower end belongs to an edge.
turn to the left: 3, -1 → 3, 1
    Your turn has the wrong sign. Left is positive; at the corner (2, 1) the polygon is dented, so a
    walker who keeps the inside on the left turns right.
""")
QUESTION = Question("geometry.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
