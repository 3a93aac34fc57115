"""One step from t to s."""

from genbook.checks import Case, Question, answers, generator, torch


def step(x, v, t, s):
    return x + (s - t) * v


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    t, s = sorted(torch.rand(2, generator=g).tolist(), reverse=True)
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(2)]
    points = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    return [
        Case((*points, 0.75, 0.5), label="a short step"),
        Case((*images, 1.0, 0.25), label="images, from the noise"),
        Case((*points, 0.5, 0.0), label="to the data"),
        Case((*points, t, s), label="times in between"),
    ]


ANSWERS = answers("""
in float64: → x.double() - v.double() * (t - s)
the straight line through x with this velocity, by its data and its noise:
    data, noise = x - t * v, x + (1 - t) * v
    return (1 - s) * data + s * noise
the wrong way: (s - t) → (t - s)
    You went away from the data. Time runs down from t to s, so the step s − t is negative.
a whole step: (s - t) * v → v
    You added the velocity itself. It is a distance per unit of time: multiply it with s − t.
all the way: (s - t) → (0 - t)
    You went to t = 0 at once. The step ends at s.
""")
QUESTION = Question("ode.step", 2, step, cases, ANSWERS)
