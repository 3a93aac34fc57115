"""A sampler of one's own: ten calls, as a table."""

import functools  # noqa: F401, for the answers

from genbook.checks import Question, Training, answers
from genbook.checks.own_sampler.grid import grid
from genbook.checks.own_sampler.guess import guess
from genbook.checks.own_sampler.judge import BOUND, build, diagnose, score
from genbook.checks.own_sampler.jump import jump
from genbook.checks.own_sampler.walk import walk  # noqa: F401, for the answers
from genbook.ode import tableau
from genbook.weights import schedule as schedule_of

schedule = schedule_of("digits-ddpm")


def own():
    times = grid(1000, 10, 60, 1.3)

    def sampler(denoise, x, noises):
        before = r = None
        for t, s, noise in zip(times, times[1:], noises, strict=False):
            now = denoise(x, t)
            data = guess(schedule, now, before, r, t, s)
            x = jump(schedule, x, data, t, s, 0.7, noise)
            before, r = now, t
        return x

    return tableau(sampler)


ANSWERS = answers("""
even times: 10, 60, 1.3) → 10, 60, 1)
by the parts of the sheet:
    line = functools.partial(guess, schedule)

    def shaken(x, data, t, s, noise):
        return jump(schedule, x, data, t, s, 0.7, noise)

    def sampler(denoise, x, noises):
        return walk(denoise, line, shaken, [*range(1000, 0, -104), 0], x, noises)
    return tableau(sampler)
the baseline: guess(schedule, now, before, r, t, s) → now; s, 0.7, noise → s, 0, noise
    10, 60, 1.3) → 10, 100, 1)
    That is DDIM: each jump trusts the last answer alone, and no noise is fresh. What do two answers
    know that one does not, and what does fresh noise do to errors?
fresh noise alone: guess(schedule, now, before, r, t, s) → now; s, 0.7, noise → s, 1, noise
    Fresh noise needs short jumps, or a better guess: your jumps trust the last answer alone.
a late last jump: 10, 60, 1.3) → 10, 3, 2); s, 0.7, noise → s, 0, noise
    Your last jump begins very near the data. Look at the chapter's picture of where the flow is
    left: the last stretch is what this network does badly.
noise in the last step: s, 0.7, noise) → s, 0.7, noise) + schedule.b(t) * noise * (s == 0)
    The result holds fresh noise that the network never saw: nobody takes it out again.
upwards: times[1:], → times[-3::-1] + [0],; zip(times, → zip(times[-2::-1],
    s, 0.7, noise → s, 0, noise
    Your calls are not in descending order. A sampler begins at T, with noise, and comes down.
data taken for noise:
    jump(schedule, x, data, → jump(schedule, x, (x - schedule.b(t) * data) / schedule.a(t),
    You took the answer for the noise. `denoise` answers with the data.
asked at another time: denoise(x, t) → denoise(x, max(1, t - 60))
    or: denoise(x, t) → denoise(x, max(1, s))
    The network is told another time than that of the state: there is not as much of the data in it
    as it must believe.
too much noise: s, 0.7, noise) → s, 0.7, noise) + 0.3 * noise * (s > 0)
    Your states hold more noise than the network is told. Of b_s², the fresh noise takes σ², and the
    old one keeps the rest.
too little noise: s, 0.7, noise) → s, 0.7, 0 * noise)
    Your states hold less noise than the network is told. Was room made for fresh noise that was not
    added?
stale history: before, r = now, t → before, r = now if before is None else before, t
    Your guess compares with an answer that is not the last one before. Renew what you remember in
    every jump.
asks nothing: return x → return noises[0]
    Your sampler never asks the network, or does not use what it says.
""")
TRAINING = Training(build, score, BOUND, "share of DDIM's", diagnose=diagnose)
QUESTION = Question("own_sampler.own", 6, own, answers=ANSWERS, training=TRAINING)
