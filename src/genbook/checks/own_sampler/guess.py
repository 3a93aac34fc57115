"""What a jump is told about the data: the last answer, corrected by the one before."""

from genbook.checks import Case, Question, answers, generator, math, torch
from genbook.checks.own_sampler.shared import schedules


def guess(schedule, now, before, r, t, s):
    if before is None or s == 0:
        return now
    first, middle, last = (math.log(schedule.b(u) / schedule.a(u)) for u in (r, t, s))
    return now + (middle - last) / (2 * (first - middle)) * (now - before)


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)
    now, before = torch.randn(2, 3, 1, 4, 4, generator=g)
    one, other = torch.randn(2, 5, 2, generator=g, dtype=torch.float64)
    return [
        Case((linear, now, before, 19, 12, 9), label="a short jump after a long one"),
        Case((random, one, other, 9, 8, 3), label="a long jump after a short one"),
        Case((linear, now, None, None, 20, 12), label="the first jump"),
        Case((linear, one, other, 9, 4, 0), label="the last jump, s = 0"),
    ]


ANSWERS = answers("""
by the log-SNR:
    if s == 0 or before is None:
        return now
    snr = [2 * math.log(schedule.a(u) / schedule.b(u)) for u in (r, t, s)]
    slope = (now - before) / (snr[1] - snr[0])
    return now + 0.5 * (snr[2] - snr[1]) * slope
as a mean with weights:
    if s > 0 and before is not None:
        lengths = [math.log(schedule.b(v) * schedule.a(u) / schedule.a(v) / schedule.b(u))
                   for v, u in ((r, t), (t, s))]
        w = lengths[1] / lengths[0] / 2
        now = (1 + w) * now - w * before
    return now
the ratio upside down:
    (middle - last) / (2 * (first - middle)) → (first - middle) / (2 * (middle - last))
    A *long* jump after a short one has to go farther along the line: the factor is this jump over
    the last one.
the half lost: / (2 * (first - middle)) → / (first - middle)
    or: (middle - last) / (2 * (first - middle)) → (first - last) / (first - middle) - 1
    Your correction is twice too large: the mean of a line over the jump is its value in the middle.
backwards: (now - before) → (before - now)
    Your line runs backwards: the slope is the new answer less the old one.
no correction: + (middle - last) / (2 * (first - middle)) * (now - before) →
    You return the last answer, which is DDIM's guess: the one before is not used.
jumps of one length: (middle - last) / (2 * (first - middle)) → 1 / 2
    You took both jumps for equally long in log(b/a). These are not.
length in time: (math.log(schedule.b(u) / schedule.a(u)) for u in (r, t, s)) → r, t, s
    You measured the jumps in t. The line is straight in log(b/a).
length in the ratio: math.log(schedule.b(u) / schedule.a(u)) → (schedule.b(u) / schedule.a(u))
    You measured the jumps in b/a. The line is straight in its logarithm.
length in b: schedule.b(u) / schedule.a(u) → schedule.b(u)
    You measured the jumps in log b. The data have faded, too: it is log(b/a).
corrected from the new answer: now + → before +
    You start from the old answer. The line goes on from the new one.
corrected in the last jump: before is None or s == 0 → before is None
    or: or s == 0 → or s < 0; for u in (r, t, s)) → for u in (r, t, max(s, 1)))
    In the last jump, to s = 0, log(b/a) has no end, and neither has its correction: there the last
    answer is the guess.
the line of the last jump: (first - middle)) → (first - last))
    You divide by the whole way from r to s. The slope is that from r to t.
only the ratio of two lengths counts: schedule.b(u) / schedule.a(u) ≡ schedule.a(u) / schedule.b(u)
""")
QUESTION = Question("own_sampler.guess", 3, guess, cases, ANSWERS)
