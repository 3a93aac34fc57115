"""Repair DPM-Solver++(2M)."""

from itertools import pairwise

from genbook.checks import Case, Question, answers, math
from genbook.checks.ode.shared import Bent, drawn


def multistep(denoise, x, sigmas):
    before = None
    for sigma, following in pairwise(sigmas):
        data = denoise(x, sigma)
        if following == 0:
            return data
        h, guess = math.log(sigma / following), data
        if before is not None:
            old, length = before
            guess = data + h / (2 * length) * (data - old)
        x = following / sigma * x + (1 - following / sigma) * guess
        before = data, h
    return x


def cases(seed: int) -> list[Case]:
    bell, points, images = drawn(seed)
    return [
        Case((bell, points, [4.0, 1.5, 0.9, 0.2, 0.0]), label="four steps of unlike length"),
        Case((Bent(1.5), images, [3.0, 2.0, 0.3, 0.1, 0.0]), label="images, another denoiser"),
        Case((bell, images, [2.0, 0.0]), label="a single step"),
        Case((Bent(2.0), points, [2.0, 1.0, 0.25]), label="a walk that stops before the data"),
    ]


ANSWERS = answers("""
with e^{−h} and all predictions kept, in float64:
    x, kept, logs = x.double(), [], [-math.log(s) if s else math.inf for s in sigmas]
    for i in range(len(sigmas) - 1):
        kept.append(denoise(x, sigmas[i]))
        h = logs[i + 1] - logs[i]
        slope = 0
        if i and sigmas[i + 1]:
            slope = (kept[i] - kept[i - 1]) / (logs[i] - logs[i - 1])
        line = kept[i] + (h / 2 * slope if i and sigmas[i + 1] else 0)
        x = math.exp(-h) * x + (1 - math.exp(-h)) * line
    return x
by DDIM's step and a correction:
    steps, old = list(pairwise(sigmas)), None
    for k, (now, then) in enumerate(steps):
        data = denoise(x, now)
        ddim = data + then / now * (x - data)
        if k and then:
            ratio = math.log(now / then) / math.log(steps[k - 1][0] / now)
            ddim = ddim + (1 - then / now) * ratio / 2 * (data - old)
        x, old = ddim, data
    return x
as given: h / (2 * length) → length / (2 * h); before = data, h → before = x, h
    Both mistakes are still there. Which two things is a slope the difference of, and in which
    direction do you extrapolate if this step is longer than the last?
the ratio upside down: h / (2 * length) → length / (2 * h)
    The memory is right now, but a *long* step after a short one has to go farther along the line:
    the factor is this step over the last one.
remembers the state: before = data, h → before = x, h
    The factor is right now, but you remember the state. The line goes through predictions: keep
    `data`.
remembers what was corrected: before = data, h → before = guess, h
    You remember the corrected prediction. The line goes through what the network said.
the half lost: h / (2 * length) → h / length
    Your correction is twice too large: the mean of a line over the step is its value in the middle.
no correction: + h / (2 * length) * (data - old) →
    This is DDIM: the prediction before is not used.
backwards: (data - old) → (old - data)
    Your line runs backwards: the slope is new less old.
steps of one length: h / (2 * length) → 1 / 2
    You took all steps for equally long in log σ. These are not.
length in sigma: math.log(sigma / following) → sigma - following
    You measured the steps in σ. The line is straight in log σ.
the line integrated exactly: h / (2 * length) → (h / -math.expm1(-h) - 1) / length
    You integrate the line exactly. That is a good solver, too, of the same order. 2M is the one
    whose factor is h / (2 h_r).
only the ratio of two lengths counts: math.log(sigma / following) ≡ math.log(following / sigma)
""")
QUESTION = Question("ode.multistep", 3, multistep, cases, ANSWERS)
