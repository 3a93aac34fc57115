"""Repair: do two segments meet?"""

from genbook import geometry
from genbook.checks import Case, Question, answers, np


def meet(p, q, r, s):
    side = geometry.orientation
    if side(p, q, r) * side(p, q, s) > 0 or side(r, s, p) * side(r, s, q) > 0:
        return False
    low = np.maximum(np.minimum(p, q), np.minimum(r, s))
    high = np.minimum(np.maximum(p, q), np.maximum(r, s))
    return bool((low <= high).all())


def cases(seed: int) -> list[Case]:
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
    drawn = np.random.default_rng(seed).uniform(-1, 1, (6, 4, 2))
    return [
        Case(tuple(np.array(numbers, dtype=float).reshape(4, 2)), label=label)
        for label, numbers in [*named.items(), *(("random segments", points) for points in drawn)]
    ]


ANSWERS = answers("""
with the package: → len(geometry.segment_intersection(p, q, r, s)) > 0
by sums of signs, and boxes that are apart:
    side(p, q, r) * side(p, q, s) > 0 → abs(side(p, q, r) + side(p, q, s)) == 2
    side(r, s, p) * side(r, s, q) > 0 → abs(side(r, s, p) + side(r, s, q)) == 2
    bool((low <= high).all()) → max(low[0] - high[0], low[1] - high[1]) <= 0
as given: s) > 0 or → s) >= 0 and; q) > 0 → q) >= 0; (low <= high).all() → 1
    Nothing is repaired yet. There are three mistakes: what joins the two conditions, what happens
    at zero, and segments on one line.
or kept, boxes forgotten: > 0 or → > 0 and; (low <= high).all() → 1
    Two mistakes are left: what joins the two conditions, and segments on one line.
touching does not count: s) > 0 → s) >= 0; q) > 0 → q) >= 0
    A segment that ends on the other one has a sign of zero, and does meet it. With strict signs you
    miss all such pairs.
all on one line meet: (low <= high).all() → 1
    For four points on one line all signs are zero, whether the segments overlap or not. There the
    bounding boxes have to decide.
or kept: > 0 or → > 0 and
    Both conditions have to hold, `and`: if both ends of one segment lie on one side of the other's
    line, they are apart, whatever the other two ends do.
strict boxes: low <= high → low < high
    Your boxes have to overlap with an area. Boxes that touch count too, and the box of a level or
    an upright segment has no area at all: use ≤.
boxes in x only: (low <= high).all() → low[0] <= high[0]
    You compare the boxes in x only. Upright segments one above the other differ in y.
boxes alone: return False → pass
    You compare the bounding boxes only. Slanted segments may pass each other within their boxes.
one line only: or side(r, s, p) * side(r, s, q) > 0 →
    You ask on which sides of p–q the ends r and s lie, but not on which sides of r–s p and q lie.
""")
QUESTION = Question("geometry.meet", 3, meet, cases, ANSWERS)
