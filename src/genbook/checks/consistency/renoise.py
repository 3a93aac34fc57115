"""Multistep sampling with a consistency model."""

from itertools import pairwise

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.consistency.shared import Landing


def renoise(flow_map, x, times, noises):
    for i, (t, s) in enumerate(pairwise(times)):
        x = flow_map(x, t, 0.0)
        if s > 0:
            x = (1 - s) * x + s * noises[i]
    return x


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    x, *points = (torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(4))
    image, *more = (torch.randn(3, 1, 2, 2, generator=g) for _ in range(3))
    middle = 0.3 + 0.4 * float(torch.rand((), generator=g))
    return [
        Case((Landing(1.0), x, [1.0, 0.0], []), label="one call"),
        Case((Landing(0.7), x, [1.0, middle, 0.0], points[:1]), label="two calls"),
        Case((Landing(1.3), image, [1.0, 0.75, 0.25, 0.0], more), label="three calls, images"),
        Case((Landing(0.9), x, [0.9, 0.5, 0.2], points[:2]), label="stops before the data"),
    ]


ANSWERS = answers("""
with the times of the noises in a list, in float64:
    x, starts, ends = x.double(), times[:-1], times[1:]
    draws = list(noises)
    for t, s in zip(starts, ends):
        data = flow_map(x, t, 0.0)
        x = data if s == 0 else data + s * (draws.pop(0).double() - data)
    return x
by recursion:
    def go(z, left, draws):
        if len(left) == 1:
            return z
        clean = flow_map(z, left[0], 0.0)
        s = left[1]
        noisy = s * draws[0] + (1 - s) * clean if s else clean
        return go(noisy, left[1:], draws[1:])
    return go(x, list(times), list(noises))
jumps along the flow: flow_map(x, t, 0.0) → flow_map(x, t, s); if s > 0: → if False:
    You jumped from time to time along the flow. A consistency model can only go to the data, and up
    again with fresh noise.
the first noise again: noises[i] → noises[0]
    You took the same noise each time. What comes up again needs fresh noise.
the data not faded: (1 - s) * x → x
    You added noise to the whole data. On the straight path at the time s there is 1 − s of them.
the times exchanged: (1 - s) * x + s * noises[i] → s * x + (1 - s) * noises[i]
    You exchanged the shares. At the time s there is s of noise, and 1 − s of the data.
back up to the old time: (1 - s) * x + s * noises[i] → (1 - t) * x + t * noises[i]
    You went up to the time from which you came. Go up to the next one, s.
noise like the root: s * noises[i] → s**0.5 * noises[i]
    Your noise goes with the root of s. On the straight path b = s is the standard deviation.
the loop that ends with the noises: pairwise(times) → pairwise(times[: len(noises) + 1])
    You stopped when the noises were used up. There may be one more call, the last: it needs none.
the old noise: x = flow_map(x, t, 0.0) → old, x = x, flow_map(x, t, 0.0)
    noises[i] → (old - (1 - t) * x) / t
    You went up with the noise that was in the state before, as DDIM does. Here it is fresh: noises
    holds it.
no fresh noise: (1 - s) * x + s * noises[i] → (1 - s) * x
    You faded the data and added no noise. The next call expects a state of the time s.
another path: (1 - s) * x → (1 - s**2) ** 0.5 * x
    Your share of the data is that of a path with a² + b² = 1. On the straight path it is 1 − s.
one call: → flow_map(x, times[0], 0.0)
    You made one call, whatever the times. There is one for each time but the last.
the last call to the data always: if s > 0: → if i < len(times) - 2:
    Your last call always ends at the data. Where the last time is above 0, noise them to it.
roots of both: (1 - s) * x + s * noises[i] → (1 - s) ** 0.5 * x + s**0.5 * noises[i]
    You took the roots of the shares. On the straight path they are 1 − s and s themselves.
stays at the data: if s > 0: → if False:
    You never go up again. Between two calls the data are noised to the time s.
""")
QUESTION = Question("consistency.renoise", 3, renoise, cases, ANSWERS)
