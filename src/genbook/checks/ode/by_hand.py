"""Three methods, one step each, by hand."""

from genbook.checks import Question, answers, np, pencil  # noqa: F401, for the answers


def by_hand():
    first = 4.0 * 0.8
    euler = 4.0 - 0.5 * first
    heun = 4.0 - 0.5 * (first + euler * 0.3) / 2
    middle = 4.0 - 0.5 * (4.0 - 0.25 * first) * 0.55
    return euler, heun, middle


ANSWERS = answers("""
as fractions of the start: → 4 * (1 - 0.4), 4 * (1 - (0.8 + 0.18) / 4), 4 * (1 - 0.4 * 0.55)
as an array: → np.array([2.4, 3.02, 3.12])
the wrong way: → 5.6, 4.0 + 0.5 * (3.2 + 5.6 * 0.3) / 2, 4.0 + 0.5 * (4.0 + 0.25 * 3.2) * 0.55
    You went away from the data. From t = 0.8 to s = 0.3 the step s − t is −0.5.
the second slope at the old time: euler * 0.3 → euler * 0.8
    Your second number asks for the slope at Euler's end, but at the old time. There it is 0.3.
the second slope at the old point: euler * 0.3 → 4.0 * 0.3
    Your second number asks at the new time, but at the point where the step began. Heun asks at
    Euler's end.
from Euler's end: heun = 4.0 - → heun = euler -
    Your second number corrects from Euler's end. The mean slope is walked along from the start, 4.
sum for mean: (first + euler * 0.3) / 2 → (first + euler * 0.3)
    Your second number walks along the sum of both slopes: it goes the way twice. Take their mean.
a whole step to the middle: 4.0 - 0.25 * first → 4.0 - 0.5 * first
    Your third number asks at Euler's end. The middle is half a step away, at t = 0.55.
the middle at the old time: * 0.55 → * 0.8
    Your third number asks in the middle of the way, but at the old time. There it is 0.55.
half a step at last: 4.0 - 0.5 * (4.0 - 0.25 → 4.0 - 0.25 * (4.0 - 0.25
    Your third number stays in the middle. The slope of the middle is walked along for the whole
    step.
""")
QUESTION = Question("ode.by_hand", 2, by_hand, pencil("the three numbers"), ANSWERS)
