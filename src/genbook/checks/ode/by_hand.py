"""Three methods, one step each, by hand."""

from genbook.checks import Question, answers, np, pencil  # noqa: F401, for the answers


def by_hand():
    first = 3.0 * 1.0
    euler = 3.0 - 0.4 * first
    heun = 3.0 - 0.4 * (first + euler * 0.6) / 2
    middle = 3.0 - 0.4 * (3.0 - 0.2 * first) * 0.8
    return euler, heun, middle


ANSWERS = answers("""
as fractions of the start: → 3 * (1 - 2 / 5), 3 * (1 - (1 + 0.36) / 5), 3 * (1 - 0.4 * 0.64)
as an array: → np.array([1.8, 2.184, 2.232])
the wrong way:
    → 3.0 + 0.4 * 3.0, 3.0 + 0.4 * (3.0 + 4.2 * 0.6) / 2, 3.0 + 0.4 * (3.0 + 0.2 * 3.0) * 0.8
    You went away from the data. From t = 1 to s = 0.6 the step s − t is −0.4.
the second slope at the old time: euler * 0.6 → euler * 1.0
    or: euler * 0.6) / 2 → euler) / 2
    Your second number asks for the slope at Euler's end, but at the old time. There it is 0.6.
the second slope at the old point: euler * 0.6 → 3.0 * 0.6
    Your second number asks at the new time, but at the point where the step began. Heun asks at
    Euler's end.
sum for mean: (first + euler * 0.6) / 2 → (first + euler * 0.6)
    Your second number walks along the sum of both slopes: it goes the way twice. Take their mean.
a whole step to the middle: 3.0 - 0.2 * first → 3.0 - 0.4 * first
    Your third number asks at Euler's end. The middle is half a step away, at t = 0.8.
the middle at the old time: * 0.8 → * 1.0
    Your third number asks in the middle of the way, but at the old time. There it is 0.8.
half a step at last: 3.0 - 0.4 * (3.0 - 0.2 → 3.0 - 0.2 * (3.0 - 0.2
    Your third number stays in the middle. The slope of the middle is walked along for the whole
    step.
""")
QUESTION = Question("ode.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
