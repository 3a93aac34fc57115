"""Repair a loop that calls the network more often than it may."""

from dataclasses import dataclass, field
from itertools import pairwise

from genbook.checks import Case, Question, Tensor, answers, generator, torch
from genbook.checks.own_sampler.shared import Data, schedules
from genbook.schedules import NoiseSchedule


@dataclass(frozen=True)
class Counted:
    """The exact data of a Gaussian, asked for a limited number of times."""

    schedule: NoiseSchedule
    calls: int
    _asked: dict[int, int] = field(default_factory=dict)

    def __call__(self, x: Tensor, t: int) -> Tensor:
        if len(self._asked) == self.calls:
            raise RuntimeError(f"call {self.calls + 1}: the budget is {self.calls} calls")
        self._asked[len(self._asked)] = t
        return Data(self.schedule, 0.5, 0.7)(x, t)


def line(now: Tensor, before: Tensor | None, r: int | None, t: int, s: int) -> Tensor:
    """Some guess in which every argument counts, and which is nobody's answer."""
    if before is None or r is None:
        return now + 0.01 * s
    return now + 0.2 * (t - s) / (r - t) * (now - before)


def towards(x: Tensor, data: Tensor, t: int, s: int, noise: Tensor) -> Tensor:
    """Some jump in which every argument counts, and which is nobody's answer."""
    return x * (1 + s) / (2 + t) + 0.8 * (t - s) / (1 + t) * data + 0.01 * (1 + s) * noise


def walk(denoise, guess, jump, times, x, noises):
    before = r = None
    for i, (t, s) in enumerate(pairwise(times)):
        now = denoise(x, t)
        x = jump(x, guess(now, before, r, t, s), t, s, noises[i])
        before, r = now, t
    return x


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)

    def case(schedule, calls, times, shape, label):
        x, *noises = torch.randn(len(times), *shape, generator=g, dtype=torch.float64)
        denoise = Counted(schedule, calls)
        return Case((denoise, line, towards, times, x, noises), label=label)

    return [
        case(linear, 100, [20, 15, 11, 6, 3, 0], (3, 1, 4, 4), "five jumps, a hundred calls"),
        case(random, 4, [9, 6, 4, 1, 0], (2, 3), "four jumps, four calls"),
        case(linear, 1, [20, 0], (4, 2), "a single jump, a single call"),
        case(linear, 3, [18, 9, 4, 2], (2, 2), "a walk that stops before the data"),
    ]


ANSWERS = answers("""
by index, with all answers kept:
    kept = []
    for i in range(len(times) - 1):
        kept.append(denoise(x, times[i]))
        old = (kept[-2], times[i - 1]) if i else (None, None)
        x = jump(x, guess(kept[-1], *old, times[i], times[i + 1]), *times[i : i + 2], noises[i])
    return x
by recursion:
    def down(x, i, before, r):
        if i + 1 == len(times):
            return x
        t, s = times[i : i + 2]
        now = denoise(x, t)
        return down(jump(x, guess(now, before, r, t, s), t, s, noises[i]), i + 1, now, t)
    return down(x, 0, None, None)
as given: before, r = now, t → before, r = denoise(x, t), r or t
    Both mistakes are still there. Print the time of every call, and what the guess is told of the
    call before.
asked a second time: before, r = now, t → before, r = denoise(x, t), t
    You remember the right time now, but you ask the network a second time, when x has moved on
    already. Keep the answer that you have.
stale time: before, r = now, t → before, r = now, r or t
    You keep the right answer now, but r stays the time of the first call for ever. It belongs to
    the answer before.
stale answer: before, r = now, t → before, r = now if before is None else before, t
    The answer before stays that of the first call for ever. It has to be that of the last jump.
all stale: before, r = now, t → before, r = (now, t) if before is None else (before, r)
    What you remember stays that of the first call for ever. It has to be that of the last jump.
counted twice: now = denoise(x, t) → now = (denoise(x, t) + denoise(x, t)) / 2
    or: guess(now, → guess(denoise(x, t),
    You ask the network twice in every jump. A second call at the same state tells nothing new, and
    costs as much: keep the answer.
no history: before, r = now, t →
    You remember nothing, so each guess is like the first.
remembers the state: before, r = now, t → before, r = x, t
    You remember the state. The guess wants the answer of the network.
remembers the guess: now = denoise(x, t) → now = guess(denoise(x, t), before, r, t, s)
    guess(now, before, r, t, s) → now
    You remember the corrected guess. The line goes through what the network said.
the time it went to: before, r = now, t → before, r = now, s
    The answer before belongs to the time at which it was asked, t, not s.
asked at the time it goes to: denoise(x, t) → denoise(x, max(s, 1))
    or: denoise(x, t) → denoise(x, s)
    You ask the network at s about a state of time t. It has to be told how much noise is in what it
    sees.
the same noise always: noises[i] → noises[0]
    Every jump gets the first noise. Fresh noise is fresh in every jump.
t and s swapped: s), t, s, → s), s, t,
    You call the jump with s before t. It is jump(x, data, t, s, noise), from t to the earlier s.
the answer in place of the guess: guess(now, before, r, t, s) → now
    You jump with the bare answer, and the guess is never asked.
one jump too few: pairwise(times) → pairwise(times[:-1])
    The last jump is missing.
upwards: pairwise(times) → pairwise(times[::-1])
    or: pairwise(times) → pairwise(sorted(times))
    You walk from the last time to the first. Times descend: begin at the first.
""")
QUESTION = Question("own_sampler.walk", 3, walk, cases, ANSWERS)
