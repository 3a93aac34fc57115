"""Which way three points turn, up to rounding."""

from genbook.checks import Case, Question, answers, np


def turn(p, q, r):
    (ux, uy), (vx, vy) = q - p, r - p
    a, b = ux * vy, uy * vx
    if abs(a - b) <= 1e-9 * (abs(a) + abs(b)):
        return 0
    return 1 if a > b else -1


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    p, q, r = rng.uniform(-1, 1, (3, 2))
    row = [np.array([0.1, 0.7]) + k * np.array([1, 0.3]) for k in (1e5, 2e5, 7e5)]
    named = {
        "to the left": [0, 0, 2, 0, 1, 1],
        "to the right": [1, 1, 2, 3, 3, 2],
        "random points": (p, q, r),
        "the same, two exchanged": (p, r, q),
        "a tiny triangle": (1e-7 * p, 1e-7 * q, 1e-7 * r),
        "a huge triangle": [0, 0, -1e6, 1e6, -2e6, 3e6],
        "points on one line, as far as one can tell": row,
        "on one line, p in the middle": (row[1], row[0], row[2]),
        "r behind p": [1, 2, -3, 1, 5, 3],
        "p = q": (p, p, r),
        "r = (1, 1.000000003)": [0, 0, 1, 1, 1, 1 + 3e-9],
        "r = (1, −1.000000001)": [0, 0, -1, 1, 1, -1 - 1e-9],
        "y in other units than x": [0, 0, 1, 1e6, 1, 1.0001e6],
    }
    found = [
        Case(tuple(np.array(points, dtype=float).reshape(3, 2)), label=label)
        for label, points in named.items()
    ]
    # Of the few answers there are, most cases have one: without an order of its own, one seed's
    # list would do for the next.
    return [found[i] for i in rng.permutation(len(found))] if seed else found


ANSWERS = answers("""
with numpy:
    terms = (q - p) * (r - p)[::-1]
    area = terms[0] - terms[1]
    return np.where(np.abs(area) > 1e-9 * np.abs(terms).sum(), np.sign(area), 0).astype(int)
by the share:
    abs(a - b) <= 1e-9 * (abs(a) + abs(b)) → a == b or abs(a - b) / (abs(a) + abs(b)) <= 1e-9
absolute epsilon: 1e-9 * (abs(a) + abs(b)) → 1e-9
    Your 1e-9 is an area, so it depends on the units: your tiny triangle is a line and your long
    line is bent. Compare with the two products.
with isclose: abs(a - b) <= 1e-9 * (abs(a) + abs(b)) → np.isclose(a, b, rtol=1e-9)
    Beside the relative part `np.isclose` allows 1e-8 in any unit, and your areas have units: your
    tiny triangle is a line.
no tolerance: abs(a - b) <= 1e-9 * (abs(a) + abs(b)) → a == b
    You compare with zero exactly. Rounding bends a straight line; allow for a small part of both.
relative to the lengths: (abs(a) + abs(b)) → np.hypot(ux, uy) * np.hypot(vx, vy)
    You compare the area with |u| |v|, or the angle with a small number. Both change when one axis
    gets another unit; |a| + |b| changes as a − b does.
tolerance too small: (abs(a) + abs(b)) → max(abs(a), abs(b))
    Your tolerance is too small. It has to be a billionth of |a| + |b|; a billionth of the larger
    product is less, and the tolerance of the chapter's function is far less.
right is positive: a > b → a < b
    Left and right are exchanged: subtract the second product from the first, u_x v_y − u_y v_x.
left and right not told apart: else -1 → else 1
    You return the size of the area without its sign. The sign says left or right.
dot product: → int(np.sign((q - p) @ (r - p)))
    You took the dot product, which says forwards or backwards. Left or right is said by the cross
    product, u_x v_y − u_y v_x.
the size of a difference has no order: abs(a - b) ≡ abs(b - a)
equal products gave 0 before: a > b ≡ a >= b
""")
QUESTION = Question("geometry.turn", 3, turn, cases, ANSWERS)
