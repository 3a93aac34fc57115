"""A flow map in closed form, by hand."""

from genbook.checks import Question, answers, np, pencil  # noqa: F401, for the answers


def by_hand():
    end = 3.0 * 0.5**3
    mean = (end - 3.0) / (0.5 - 1.0)
    held = -3 * 3.0 * 0.5**3
    return end, mean, held


ANSWERS = answers("""
the third by the Eulerian equation: → 0.375, 5.25, -(0.5**3) * (3 * 3.0 / 1.0)
as an array: → np.array([3 / 8, 21 / 4, -9 / 8])
the ratio not cubed: end = 3.0 * 0.5**3 → end = 3.0 * 0.5
    or: end = 3.0 * 0.5**3 → end = 3.0 * 0.5**2
    Your first number shrinks too slowly. The field 3 x / t belongs to curves x = c t³: check by
    differentiating.
away from the data: end = 3.0 * 0.5**3 → end = 3.0 / 0.5**3
    Your first number grew. Going down to a smaller time, a curve x = c t³ shrinks.
Euler's step: end = 3.0 * 0.5**3 → end = 3.0 - 0.5 * 9.0
    Your first number is one of Euler's steps. The flow map follows the curve x = c t³ itself.
the velocity at the start: mean = (end - 3.0) / (0.5 - 1.0) → mean = 9.0
    Your second number is the velocity at the start. Asked is the mean on the way,
    (X − x) / (s − t).
the velocity at the end: mean = (end - 3.0) / (0.5 - 1.0) → mean = 2.25
    Your second number is the velocity at the end. Asked is the mean on the way,
    (X − x) / (s − t).
the mean of the two ends: mean = (end - 3.0) / (0.5 - 1.0) → mean = (9.0 + 2.25) / 2
    Your second number is the mean of the velocities at the two ends. On the way the velocity does
    not change evenly: divide the way by the time, (X − x) / (s − t).
the velocity half-way: mean = (end - 3.0) / (0.5 - 1.0) → mean = 3 * 3.0 * 0.75**2
    or: mean = (end - 3.0) / (0.5 - 1.0) → mean = 3 * (3.0 + end) / 2 / 0.75
    Your second number is a velocity half-way. The mean over the whole way is another:
    (X − x) / (s − t).
the time the other way: (0.5 - 1.0) → (1.0 - 0.5)
    Your second number has the other sign. From t to s the time changes by s − t, which is negative.
the way itself: mean = (end - 3.0) / (0.5 - 1.0) → mean = end - 3.0
    Your second number is the way. Divide it by the time that it took, s − t.
zero: held = -3 * 3.0 * 0.5**3 → held = 0.0
    The end stays if the start moves *along its curve*. In your third number only t moves, and x is
    held: you step onto another curve.
the other sign: held = -3 → held = 3
    Your third number has the other sign: by the Eulerian equation ∂_t X = −(∂_x X) v.
the Jacobian left out: held = -3 * 3.0 * 0.5**3 → held = -9.0
    Your third number is −v at the start. It has to be carried to the end by ∂_x X = s³ / t³.
the Jacobian alone: held = -3 * 3.0 * 0.5**3 → held = 0.5**3
    Your third number is ∂_x X = s³ / t³. It carries −v from the start to the end: multiply them.
by the end: held = -3 * 3.0 * 0.5**3 → held = 2.25
    Your third number is the derivative by s. Asked is the one by t.
""")
QUESTION = Question("consistency.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
