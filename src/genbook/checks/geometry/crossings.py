"""How many pairs of paths on a line cross."""

from genbook.checks import Case, Question, answers, np


def crossings(start, end):
    before = start[:, None] - start
    after = end[:, None] - end
    return int((before * after < 0).sum()) // 2


def inversions(ranked):
    return sum(int((ranked[:i] > ranked[i]).sum()) for i in range(len(ranked)))


def cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    named = {
        "one pair exchanged": ([0, 1, 2], [1, 0, 2]),
        "all exchanged": ([0, 1, 2, 3], [3, 2, 1, 0]),
        "none exchanged": ([2, 0, 1], [5, 3, 4]),
        "random": rng.standard_normal((2, 9)),
        "closer together": 0.1 * rng.standard_normal((2, 7)),
        "common ends": ([3, 1, 1, 2, 0], [4, 1, 4, 1, 2]),
        "common starts": ([0, 0, 1, 1, 2], [4, 4, 4, 1, 2]),
    }
    return [Case(tuple(np.array(x, dtype=float)), label=label) for label, x in named.items()]


ANSWERS = answers("""
pair by pair:
    pairs = itertools.combinations(zip(start, end), 2)
    return int(sum((a - c) * (b - d) < 0 for (a, b), (c, d) in pairs))
by insertion: → inversions(end[np.lexsort((end, start))])
every pair twice: // 2 →
    You count every pair twice, as i and j and as j and i.
neighbours only: → int((np.diff(start) * np.diff(end) < 0).sum())
    You compare each path with the next one only. Any two paths may cross.
neighbours after sorting: → int((np.diff(end[start.argsort(kind="stable")]) < 0).sum())
    You sort by the start and compare neighbours only. A path may also cross one that is not its
    neighbour.
ties in any order: → inversions(end[start.argsort(kind="stable")])
    You sort by the start only. Paths that begin together then count as exchanged if they happen to
    stand in the wrong order; sort them by their ends.
touching counts: < 0 → <= 0
    or: (before * after < 0).sum()) // 2 → np.triu(before * after <= 0, 1).sum())
    You count paths that begin or end in the same place. They touch, and keep their order.
ties on one side: → int(np.tril((start[:, None] < start) != (end[:, None] < end), -1).sum())
    or: → int(np.triu((start[:, None] < start) != (end[:, None] < end), 1).sum())
    Of two that begin or end together, < says the same as of a pair in the opposite order. Compare
    the signs of the differences, and leave out the zeros.
those that do not cross: < 0 → > 0
    You count the pairs that keep their order. Two paths cross if they end in the opposite order.
paths instead of pairs: .sum()) // 2 → .any(1).sum())
    You count the paths that cross another one. Count the pairs.
""")
QUESTION = Question("geometry.crossings", 2, crossings, cases, ANSWERS)
