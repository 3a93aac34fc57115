"""The target of a shortcut model."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.consistency.shared import Slope


def shortcut(network, x, t, s):
    m = (t + s) / 2
    half = (m - t).reshape(-1, *[1] * (x.ndim - 1))
    first = network(x, t, m)
    second = network(x + half * first, m, s)
    return (first + second) / 2


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    points = torch.randn(5, 2, generator=g, dtype=torch.float64)
    images = torch.randn(3, 1, 2, 2, generator=g)
    t, s = torch.rand(2, 5, generator=g, dtype=torch.float64)
    high, low = 0.6 + 0.4 * t, 0.5 * s
    return [
        Case((Slope(1.0), points, high, low), label="points"),
        Case((Slope(0.6), images, high[:3].float(), low[:3].float()), label="images"),
        Case((Slope(1.4), points, high, 0 * low), label="down to the data"),
        Case((Slope(1.1), points[:1], high[:1], low[:1]), label="a single sample"),
    ]


ANSWERS = answers("""
by the places, in float64:
    wide = (-1,) + (1,) * (x.ndim - 1)
    t, s, start = t.double(), s.double(), x.double()
    m = t + (s - t) / 2
    there = start + (m - t).view(wide) * network(start, t, m)
    end = there + (s - m).view(wide) * network(there, m, s)
    return (end - start) / (s - t).view(wide)
sample by sample:
    rows = []
    for i in range(len(x)):
        one, a, b = x[i : i + 1], t[i : i + 1], s[i : i + 1]
        m = 0.5 * a + 0.5 * b
        first = network(one, a, m)
        rows.append((first + network(one + (m - a) * first, m, b)) / 2)
    return torch.cat(rows)
the second jump from the start: network(x + half * first, m, s) → network(x, m, s)
    Your second jump starts at x. It starts where the first one ended, at the time m.
the second jump at the old time: network(x + half * first, m, s) → network(x + half * first, t, s)
    Your second jump says that it starts at t. By then it is at m.
the first jump told the whole way: first = network(x, t, m) → first = network(x, t, s)
    Your first jump is told to go to s. It goes half-way, to m.
the second told to stop half-way: m, s) → m, m)
    Your second jump is told to stay at m. It goes on to s.
the wrong way: half = (m - t) → half = (t - m)
    Your first jump goes up. From t to m the time changes by m − t, which is negative.
a whole step to the middle: half = (m - t) → half = (s - t)
    Your first jump walks all the way to s along its slope. The middle is only m − t away.
the sum: return (first + second) / 2 → return first + second
    You added the two slopes. Each holds for half of the time: the mean velocity is their mean.
the second alone: return (first + second) / 2 → return second
    You returned the slope of the second half. The mean velocity on the whole way is the mean of
    both.
the end itself: return (first + second) / 2 → return x + half * first + half * second
    or: return (first + second) / 2 → return x + half * first
    You returned a place. Asked is the mean velocity on the way from t to s.
the way itself: return (first + second) / 2 → return half * (first + second)
    You returned the way. Divide it by the time that it took, s − t.
two instants: network(x, t, m) → network(x, t, t); m, s) → m, m)
    Both halves are told the time of their start twice: these are velocities. Each is a jump, so
    tell it where it ends.
one jump: → network(x, t, s)
    This is the network's own slope for the whole way, which is to learn. Its target is made of two
    jumps of half the length.
half of the length for the middle: m = (t + s) / 2 → m = (t - s) / 2
    Your m is half of the *length* of the way. The time half-way is (t + s) / 2.
half of the start: m = (t + s) / 2 → m = t / 2
    Your m is half-way to the data. The jump ends at s: half-way is (t + s) / 2.
a quarter of the way: half * first → half / 2 * first
    Your first jump walks m − t halved once more. From t to the middle it is m − t.
""")
QUESTION = Question("consistency.shortcut", 3, shortcut, cases, ANSWERS)
