"""The velocity of the flow, from the predicted noise."""

from genbook.checks import Case, Question, answers, generator, torch


def velocity(x, eps, beta, b):
    return -beta / 2 * x + beta / (2 * b) * eps


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(2)]
    points = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    beta, b = 0.5 + 9 * float(torch.rand((), generator=g)), 0.3
    return [
        Case((*points, 4.0, 0.6), label="points"),
        Case((*images, 0.1, 0.05), label="images, near the data"),
        Case((*points, 20.0, 0.999), label="at the noise"),
        Case((*images, beta, b), label="in between"),
    ]


ANSWERS = answers("""
from the score:
    score = -eps.double() / b
    return -0.5 * beta * x.double() - 0.5 * beta * score
with the rates of the path, whose slopes are a' = −β a / 2 and b' = β a² / (2 b):
    a = math.sqrt(1 - b * b)
    x0 = (x.double() - b * eps.double()) / a
    return -beta * a / 2 * x0 + beta * a * a / (2 * b) * eps.double()
the half lost: beta / (2 * b) → beta / b
    Your score has the factor g². That is the drift of the reverse process, which needs its noise;
    the flow has half of it.
against the score: + beta / (2 * b) → - beta / (2 * b)
    You walk away from what the score says. The score is −eps / b, so − ½ g² score has a plus before
    eps.
eps for the score: beta / (2 * b) * eps → beta / 2 * eps
    You took eps for the (negative) score. The score is −eps / b: divide by b.
the variance for b: beta / (2 * b) → beta / (2 * b**2)
    You divided by b². The score is −eps / b, with b the standard deviation of the noise.
the drift whole: -beta / 2 * x → -beta * x
    Your drift is −β x. The process that keeps the variance has f = −½ β x.
the drift outward: -beta / 2 * x → beta / 2 * x
    Your drift points outward. f = −½ β x draws towards the origin: the data fade.
turned around: -beta / 2 * x + beta / (2 * b) * eps → beta / 2 * x - beta / (2 * b) * eps
    Your velocity has the other sign. A sampler walks down in t, but dx/dt points to larger t: to
    the noise.
no drift: -beta / 2 * x + → 0 * x +
    The drift f is missing: the flow is f − ½ g² score.
g for its square: beta / (2 * b) → math.sqrt(beta) / (2 * b)
    You took g for g². β is g².
""")
QUESTION = Question("ode.velocity", 2, velocity, cases, ANSWERS)
