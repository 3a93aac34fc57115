"""A map that cannot miss its start, from the predicted data."""

from genbook.checks import Case, Question, answers, generator, torch


def jump(x, x0, t, s, rates):
    a_t, b_t = rates(t)
    a_s, b_s = rates(s)
    eps = (x - a_t * x0) / b_t
    return a_s * x0 + b_s * eps


def straight(t: float) -> tuple[float, float]:
    return 1 - t, t


def circle(t: float) -> tuple[float, float]:
    """Variance preserving: a² + b² = 1."""
    return (1 - t**2) ** 0.5, t


def exploding(t: float) -> tuple[float, float]:
    return 1.0, 8 * t**2


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    points = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(2)]
    t = 0.6 + 0.3 * float(torch.rand((), generator=g))
    return [
        Case((*points, 0.9, 0.4, straight), label="the straight path"),
        Case((*images, t, 0.2, circle), label="a variance preserving path, images"),
        Case((*points, t, 0.5, exploding), label="a variance exploding path"),
        Case((*points, 0.7, 0.7, circle), label="nowhere: s = t"),
        Case((*images, 1.0, 0.0, straight), label="from pure noise to the data"),
        Case((*points, 0.3, 0.8, straight), label="up, to more noise"),
    ]


ANSWERS = answers("""
with c_skip and c_out, in float64:
    (a_t, b_t), (a_s, b_s) = rates(t), rates(s)
    skip = b_s / b_t
    return skip * x.double() + (a_s - skip * a_t) * x0.double()
entry by entry:
    (a_t, b_t), (a_s, b_s) = rates(t), rates(s)
    found = x.clone()
    for place, value in enumerate(x.flatten()):
        guess = x0.flatten()[place]
        found.view(-1)[place] = a_s * guess + b_s * (value - a_t * guess) / b_t
    return found
the data alone: return a_s * x0 + b_s * eps → return x0
    You returned the predicted data, whatever s is. At s there is b_s of the noise left.
no noise: return a_s * x0 + b_s * eps → return a_s * x0
    Your state at s has no noise. The noise that is in x goes on: add b_s eps.
the noise not divided by b: eps = (x - a_t * x0) / b_t → eps = x - a_t * x0
    Your noise is b_t times too large: x = a_t x_0 + b_t eps, so divide by b_t.
the state for the noise: return a_s * x0 + b_s * eps → return a_s * x0 + b_s * x
    You took the state x for the noise. Its data have to be taken out first, and what is left
    divided by b_t.
data that do not fade: return a_s * x0 + b_s * eps → return x0 + b_s * eps
    Your data are there in full. At s there is a_s of them.
the data subtracted whole: eps = (x - a_t * x0) / b_t → eps = (x - x0) / b_t
    You subtracted all of the data. Only a_t of them is in x.
the rates of t: return a_s * x0 + b_s * eps → return a_t * x0 + b_t * eps
    You put data and noise together for the time t again: this is x. Take the rates of s.
the rates of s for the noise: eps = (x - a_t * x0) / b_t → eps = (x - a_s * x0) / b_s if b_s else x
    You read the noise off x with the rates of s. The state x belongs to the time t.
a straight line to the data: return a_s * x0 + b_s * eps → return x + (s - t) * (x - x0) / t
    You walked straight from x to x_0, at a constant speed. That is the straight path; on others the
    rates of s say how much of data and noise there is.
the straight path's jump: return a_s * x0 + b_s * eps → return x + (s - t) * (eps - x0)
    X = x + (s − t) F holds on the straight path. On others put data and noise together with the
    rates of s.
rates exchanged: a_s * x0 + b_s * eps → b_s * x0 + a_s * eps
    You exchanged the rates: a belongs to the data, b to the noise.
""")
QUESTION = Question("consistency.jump", 2, jump, cases, ANSWERS)
