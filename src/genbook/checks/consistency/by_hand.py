"""A flow map in closed form, by hand."""

from genbook.checks import Question, answers, np, pencil  # noqa: F401, for the answers


def by_hand():
    end = 3.0 * 0.5**2
    mean = (end - 3.0) / (0.5 - 1.0)
    held = -2 * 3.0 * 0.5**2
    return end, mean, held


ANSWERS = answers("""
the third by the Eulerian equation: → 0.75, 4.5, -(0.5**2) * (2 * 3.0 / 1.0)
as an array: → np.array([3 / 4, 9 / 2, -3 / 2])
the ratio not squared: end = 3.0 * 0.5**2 → end = 3.0 * 0.5
    Your first number shrinks like s / t. The field 2 x / t belongs to curves x = c t²: check by
    differentiating.
away from the data: end = 3.0 * 0.5**2 → end = 3.0 / 0.5**2
    Your first number grew. Going down to a smaller time, a curve x = c t² shrinks.
Euler's step: end = 3.0 * 0.5**2 → end = 3.0 - 0.5 * 6.0
    Your first number is one of Euler's steps. The flow map follows the curve x = c t² itself.
the velocity at the start: mean = (end - 3.0) / (0.5 - 1.0) → mean = 6.0
    Your second number is the velocity at the start. Asked is the mean on the way,
    (X − x) / (s − t).
the velocity at the end: mean = (end - 3.0) / (0.5 - 1.0) → mean = 3.0
    Your second number is the velocity at the end. Asked is the mean on the way,
    (X − x) / (s − t).
the time the other way: (0.5 - 1.0) → (1.0 - 0.5)
    Your second number has the other sign. From t to s the time changes by s − t, which is negative.
the way itself: mean = (end - 3.0) / (0.5 - 1.0) → mean = end - 3.0
    Your second number is the way. Divide it by the time that it took, s − t.
zero: held = -2 * 3.0 * 0.5**2 → held = 0.0
    The end stays if the start moves *along its curve*. In your third number only t moves, and x is
    held: you step onto another curve.
the other sign: held = -2 → held = 2
    Your third number has the other sign: by the Eulerian equation ∂_t X = −(∂_x X) v.
the Jacobian left out: held = -2 * 3.0 * 0.5**2 → held = -6.0
    Your third number is −v at the start. It has to be carried to the end by ∂_x X = s² / t².
the Jacobian alone: held = -2 * 3.0 * 0.5**2 → held = 0.5**2
    Your third number is ∂_x X = s² / t². It carries −v from the start to the end: multiply them.
by the end: held = -2 * 3.0 * 0.5**2 → held = 3.0
    Your third number is the derivative by s. Asked is the one by t.
""")
QUESTION = Question("consistency.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
