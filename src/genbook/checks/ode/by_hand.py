"""One step with numbers."""

from genbook.checks import Question, answers, pencil


def by_hand():
    x0 = 1.0 - 0.5 * -0.6
    xs = 1.0 + (0.25 - 0.5) * -0.6
    return x0, xs


ANSWERS = answers("""
from both ends of the straight line:
    data, noise = 1.0 + 0.3, 1.0 - 0.3
    return [data, 0.75 * data + 0.25 * noise]
with numpy: → np.array([1.0, 1.0]) - 0.6 * (np.array([0.0, 0.25]) - 0.5)
the wrong way: 1.0 + (0.25 - 0.5) → 1.0 - (0.25 - 0.5)
    Your x_s went away from the data. Time runs down from t to s, so the step s − t is negative.
a whole step: (0.25 - 0.5) * -0.6 → -0.6
    You added the velocity itself. It is a distance per unit of time: multiply it with s − t.
the noise for the data: 1.0 - 0.5 * -0.6 → 1.0 + 0.5 * -0.6
    Your first number is the noise, the end of the line at t = 1. The data are at t = 0.
""")
QUESTION = Question("ode.by_hand", 2, by_hand, pencil("the two numbers"), ANSWERS)
