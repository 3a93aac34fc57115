"""Repair a sampler."""

from itertools import pairwise

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.ddim.shared import GaussianNoise
from genbook.checks.ddim.step import step  # noqa: F401, for the answers
from genbook.checks.ddpm.shared import schedules


def sample(model, schedule, xT, steps):
    times = [round(schedule.T * i / steps) for i in range(steps, -1, -1)]
    x = xT
    for t, s in pairwise(times):
        eps = model(x, t)
        x0 = (x - schedule.b(t) * eps) / schedule.a(t)
        x = schedule.a(s) * x0 + schedule.b(s) * eps
    return x


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, _, random = schedules(seed)
    x = torch.randn(4, 2, generator=g)
    images = torch.randn(2, 1, 4, 4, generator=g, dtype=torch.float64)
    spread = 0.3 + float(torch.rand((), generator=g))
    return [
        Case((GaussianNoise(linear, 0.5, spread), linear, x, 5), label="five steps"),
        Case((GaussianNoise(random, -1.0, spread), random, images, 7), label="every step"),
        Case((GaussianNoise(linear, 0.0, 0.2), linear, images, 3), label="times that are rounded"),
        Case((GaussianNoise(linear, 0.3, 1.5), linear, x, 1), label="a single step"),
    ]


ANSWERS = answers("""
Euler's method in x / a and b / a:
    scaled = xT / schedule.a(schedule.T)
    for t, s in pairwise(round(schedule.T * i / steps) for i in range(steps, -1, -1)):
        rho_t, rho_s = (schedule.b(time) / schedule.a(time) for time in (t, s))
        scaled = scaled + (rho_s - rho_t) * model(schedule.a(t) * scaled, t)
    return scaled
by the step of another question, in float64: x = xT → x = xT.double()
    eps = model(x, t) →; x0 = (x - schedule.b(t) * eps) / schedule.a(t) →
    schedule.a(s) * x0 + schedule.b(s) * eps → step(schedule, x, model(x, t), t, s)
as given: range(steps, -1, -1) → range(steps, 0, -1); model(x, t) → model(x, s)
    Both mistakes are still there. Print the times that are visited, and the time at which the
    network is asked.
never reaches 0: range(steps, -1, -1) → range(steps, 0, -1)
    The network is asked at the right time now, but the last jump, to t = 0, is missing: what you
    return still has noise in it.
asked at the time it goes to: model(x, t) → model(x, s)
    The times are right now, but the network is asked at s about a state of time t. It has to be
    told how much noise is in what it sees.
noise of time t kept: schedule.b(s) * eps → schedule.b(t) * eps
    You put the noise back with b_t. The state that you build belongs to time s: b_s.
one jump too few: i / steps → i / max(1, steps - 1); range(steps, → range(steps - 1,
    or: round(schedule.T * i / steps) → int(schedule.T * i / max(1, steps - 1))
    range(steps, → range(steps - 1,
    You visit `steps` times, and so make one jump too few. Jumps are the gaps between times: so many
    jumps need steps + 1 times.
times cut off: round(schedule → int(schedule
    You cut the times off, as int() and // do. Round them to the nearest integer.
steps of one whole length: [round(schedule.T * i / steps) for i in → [*
    range(steps, -1, -1) → range(schedule.T, -1, -(schedule.T // steps))
    Your steps all have the length T // steps. Where `steps` does not divide T, they miss 0.
rates without roots:
    schedule.b(t) * eps) / schedule.a(t) → schedule.b(t) ** 2 * eps) / schedule.a(t) ** 2
    schedule.a(s) * x0 + schedule.b(s) → schedule.a(s) ** 2 * x0 + schedule.b(s) ** 2
    You mixed with ᾱ and 1 − ᾱ. These are variances; the rates are their roots, a and b.
""")
QUESTION = Question("ddim.sample", 3, sample, cases, ANSWERS)
