"""The loop around the step."""

from itertools import pairwise

from genbook.checks import Case, Question, Tensor, answers, generator, torch
from genbook.checks.own_digits.shared import Classes, schedules


def sample(network, step, T, calls, x, labels, noises):
    times = [round(T * i / calls) for i in range(calls, -1, -1)]
    for i, (t, s) in enumerate(pairwise(times)):
        x = step(x, network(x, t, labels), t, s, noises[i])
    return x


def towards(x: Tensor, eps: Tensor, t: int, s: int, noise: Tensor) -> Tensor:
    """Some step in which every argument counts, and which is nobody's answer."""
    return x * (1 + s) / (1 + t) + 0.3 * (t - s) / (1 + t) * eps + 0.01 * (1 + s) * noise


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)
    means = torch.randn(10, generator=g)

    def case(schedule, calls, shape, label):
        x, *noises = torch.randn(calls + 1, *shape, generator=g)
        labels = torch.randint(0, 10, shape[:1], generator=g)
        network = Classes(schedule, means, 0.5)
        return Case((network, towards, schedule.T, calls, x, labels, noises), label=label)

    return [
        case(linear, 5, (3, 1, 4, 4), "five calls"),
        case(random, 9, (2, 3), "every step"),
        case(linear, 6, (2, 1, 2, 2), "times that are rounded"),
        case(random, 1, (4, 2), "a single call"),
    ]


ANSWERS = answers("""
by index:
    times = [int(T * i / calls + 0.5) for i in range(calls + 1)]
    for i in range(calls):
        t, s = times[calls - i], times[calls - i - 1]
        x = step(x, network(x, t, labels), t, s, noises[i])
    return x
by recursion:
    def down(x, i):
        if i == 0:
            return x
        t, s = (round(T * j / calls) for j in (i, i - 1))
        return down(step(x, network(x, t, labels), t, s, noises[calls - i]), i - 1)
    return down(x, calls)
never reaches 0: range(calls, -1, -1) → range(calls, 0, -1)
    The last jump, to t = 0, is missing: what you return still has noise in it. So many calls need
    one time more.
asked at the time it goes to: network(x, t, → network(x, s,
    You ask the network at s about a state of time t. It has to be told how much noise is in what it
    sees.
stops where the stride runs out: [round(T * i / calls) for i in → [*
    range(calls, -1, -1)] → range(T, 0, -(T // calls))][: calls + 1]
    The stride never reaches 0, and what you return still has noise in it. The last jump ends at 0.
t and s swapped: labels), t, s, → labels), s, t,
    You call the jump with s before t. It is step(x, eps, t, s, noise), from t to the earlier s.
one call too few: i / calls → i / max(1, calls - 1); range(calls, → range(calls - 1,
    You visit as many times as there are calls, and so make one jump too few.
times cut off: round(T → int(T
    You cut the times off, as int() and // do. Round them to the nearest integer.
steps of one whole length: [round(T * i / calls) for i in → [*
    range(calls, -1, -1)] → range(T, 0, -(T // calls)), 0][: calls + 1]
    Your jumps all have the length T // calls, which in general does not fit into T.
the same noise always: noises[i] → noises[0]
    Every jump gets the first noise. Fresh noise is fresh in every jump.
noises from the last: noises[i] → noises[-1 - i]
    The noises are used from the last to the first. The first jump gets the first.
upwards: range(calls, -1, -1) → range(calls + 1)
    Your times run up from 0. A sampler begins at T, with noise, and ends at 0, with an image.
the start is asked always: network(x, t, labels) → network(noises[0], t, labels)
    The network is asked about a noise. Ask it about the present state.
an index too low: network(x, t, → network(x, t - 1,
    You tell the network the time t − 1. The state belongs to t.
all images of one class: t, labels) → t, labels[:1].expand(len(labels)))
    The network is told the first label for all images.
""")
QUESTION = Question("own_digits.sample", 3, sample, cases, ANSWERS)
