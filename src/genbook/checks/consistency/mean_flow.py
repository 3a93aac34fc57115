"""Repair MeanFlow's target."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.consistency.shared import Slope


def mean_flow(network, x, t, s, v):
    one, zero = torch.ones_like(t), torch.zeros_like(s)
    _, moved = torch.func.jvp(network, (x, t, s), (v, one, zero))
    gap = (t - s).reshape(-1, *[1] * (x.ndim - 1))
    return v - gap * moved


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    points = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    images = [torch.randn(3, 1, 2, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    t, s = torch.rand(2, 5, generator=g, dtype=torch.float64)
    high, low = 0.6 + 0.4 * t, 0.5 * s

    def given(pair: list, n: int, low: torch.Tensor = low) -> tuple:
        return pair[0], high[:n], low[:n], pair[1]

    return [
        Case((Slope(1.0), *given(points, 5)), label="points"),
        Case((Slope(0.6), *given(images, 3)), label="images"),
        Case((Slope(1.4), *given(points, 5, 0 * low)), label="down to the data"),
        Case((Slope(1.2), *given(points, 5, high)), label="on the diagonal, where it is v"),
    ]


ANSWERS = answers("""
by a small step along the curve:
    wide, h = (-1,) + (1,) * (x.ndim - 1), 1e-5
    later, earlier = network(x + h * v, t + h, s), network(x - h * v, t - h, s)
    return v - (t - s).view(wide) * (later - earlier) / (2 * h)
with s bound, and the two derivatives apart:
    wide = (-1,) + (1,) * (x.ndim - 1)
    of_x = torch.func.jvp(lambda z: network(z, t, s), (x,), (v,))[1]
    of_t = torch.func.jvp(lambda r: network(x, r, s), (t,), (torch.ones_like(t),))[1]
    return v + (s - t).view(wide) * (of_x + of_t)
as it was given: (v, one, zero) → (0 * v, one, zero); v - gap → v + gap
    Both mistakes are still there. One is in the direction in which the curve leaves, the other in a
    sign.
the sign: v - gap → v + gap
    Your target adds the change. From X = x + (s − t) F follows F = v − (t − s) dF/dt.
the start held: (v, one, zero) → (0 * v, one, zero)
    You moved the time alone. The start moves along its curve: x changes by v, and t by 1.
the time held: (v, one, zero) → (v, 0 * one, zero)
    You moved the state alone. Along the curve the time changes, too: by 1.
time run backwards: (v, one, zero) → (v, -one, zero)
    You moved the time down and the state up. v is the change of x for a time that grows: with it t
    changes by +1.
the time for the gap: gap = (t - s) → gap = t
    Your change is weighted by t. The way is t − s long: on the diagonal nothing of it is left.
the end moved: (v, one, zero) → (v, one, one)
    You moved the end s as well. It is held: its derivative is 0.
the direction of the network: (v, one, zero) → (network(x, t, s), one, zero)
    You moved along the mean velocity. The curve leaves x with the velocity v.
the factor lost: gap * moved → moved
    The change is weighted by the length of the way, t − s. On the diagonal nothing of it is left.
the velocity alone: return v - gap * moved → return v
    You returned the velocity, which is right where s = t. For a longer way the change along the
    curve, weighted by t − s, is subtracted.
the network for the velocity: return v - gap → return network(x, t, s) - gap
    Your target starts from the network's own answer. It starts from the velocity v.
""")
QUESTION = Question("consistency.mean_flow", 3, mean_flow, cases, ANSWERS)
