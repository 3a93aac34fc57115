"""What the velocity says about the data."""

from genbook.checks import Case, Question, answers, generator, torch


def data(x, v, t):
    return x - t * v


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    points = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(2)]
    t = 0.1 + 0.3 * float(torch.rand((), generator=g))
    return [
        Case((*points, 0.75), label="at t = 0.75"),
        Case((*images, 1.0), label="images, at the noise"),
        Case((*points, t), label="at a time in between"),
    ]


ANSWERS = answers("""
in float64: → x.double() - v.double() * t
in two halves: → x - v * (t / 2) - v * (t / 2)
the wrong way: x - t → x + t
    You followed the velocity away from the data. They lie at t = 0, a time t below.
the noise for the data: x - t * v → x + (1 - t) * v
    This is the noise, the end of the line at t = 1. The data are at t = 0.
the velocity alone: x - t * v → x - v
    You went a whole unit of time. From t to 0 it is only t.
""")
QUESTION = Question("ode.data", 2, data, cases, ANSWERS)
