"""Three numbers by hand."""

from genbook.checks import Question, answers, pencil


def by_hand():
    bits = -1 + 3
    distance = (1 - 3) ** 2 + (2 - 5) ** 2
    coverage = 1 - (2 / 5) * (1 / 4)
    return bits, distance, coverage


ANSWERS = answers("""
from the general formulas, change of variables, the trace, and counting subsets:
    traces = 4 + 25 - 2 * math.sqrt(2 * 25 * 2)
    return [3 - 1, 4 + traces, 1 - math.comb(2, 2) / math.comb(5, 2)]
as an array: → [2.0, 13.0, 0.9]
bits of a density: -1 + 3 → -1
    Your bits are those of the density. A pixel lies in a bin of width 1/8: its probability is
    density times width.
bin on the wrong side: -1 + 3 → -1 - 3
    A bin narrower than 1 holds less probability, so the code gets longer: −log2(1/8) is three bits
    to add, not to subtract.
differences of variances: 2 - 5 → 4 - 25
    In one dimension the second part of the distance is the square of the difference of the standard
    deviations, not of the variances.
distance of the means only: + (2 - 5) ** 2 →
    Your distance compares the means. Two bells of different width are not equal.
the distance itself: bits, distance → bits, distance**0.5
    You took the root of the distance. The number asked for, and reported everywhere, is squared.
cards put back: (2 / 5) * (1 / 4) → (3 / 6) ** 2
    1 − (m/(n + m))^k would put each card back into the deck. The owner of the ball is not in it,
    and a neighbour that has been dealt is gone: (m − j)/(n + m − j).
the point itself dealt: (2 / 5) * (1 / 4) → (3 / 6) * (2 / 5)
    You dealt from m real points. The owner of the ball is not its own neighbour: m − 1 others are
    in the deck.
probability of an empty ball: 1 - (2 / 5) → (2 / 5)
    Your last number is the probability that a ball is empty. Coverage is the share of the others.
the difference is squared: 1 - 3 ≡ 3 - 1
the difference is squared: 2 - 5 ≡ 5 - 2
""")
QUESTION = Question("evaluation.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
