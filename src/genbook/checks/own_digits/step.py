"""One jump of the sampler, with η and with a clipped guess."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.own_digits.shared import schedules


def step(schedule, xt, eps, t, s, eta, noise):
    a, b = schedule.a(t), schedule.b(t)
    x0 = ((xt - b * eps) / a).clamp(-1, 1)
    eps = (xt - a * x0) / b
    sigma = eta * schedule.b(s) / b * (1 - a**2 / schedule.a(s) ** 2) ** 0.5
    direction = (schedule.b(s) ** 2 - sigma**2) ** 0.5 * eps
    return schedule.a(s) * x0 + direction + sigma * noise


def unclipped(schedule, xt, eps, t, s, eta, noise):
    """The same with the network's own guess."""
    a, b, c, d = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * d / b * (1 - a**2 / c**2) ** 0.5
    return c * (xt - b * eps) / a + (d**2 - sigma**2) ** 0.5 * eps + sigma * noise


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)
    images = [torch.randn(3, 2, 1, 4, 4, generator=g) for _ in range(4)]
    # So small that nothing is clipped, and a guess that leaves [-1, 1] nearly everywhere.
    small = [0.1 * torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(3)]
    wild = [3 * torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(3)]
    eta = 0.3 + 0.4 * float(torch.rand((), generator=g))
    return [
        Case((linear, *images[0][:2], 12, 7, 0.0, images[0][2]), label="η = 0"),
        Case((linear, *images[1][:2], 18, 5, 1.0, images[1][2]), label="η = 1"),
        Case((random, *small[:2], 7, 3, eta, small[2]), label="nothing to clip"),
        Case((random, *wild[:2], 9, 4, eta, wild[2]), label="nearly everything clipped"),
        Case((linear, *images[2][:2], 6, 5, eta, images[2][2]), label="a single step"),
        Case((random, *images[3][:2], 2, 0, 1.0, images[3][2]), label="into the image, s = 0"),
    ]


ANSWERS = answers("""
by the variances:
    bar_t, bar_s = schedule.alpha_bars[t], schedule.alpha_bars[s]
    guess = torch.clip((xt - (1 - bar_t) ** 0.5 * eps) * bar_t**-0.5, -1.0, 1.0)
    rest = (xt - bar_t**0.5 * guess) / (1 - bar_t).sqrt()
    variance = eta**2 * (1 - bar_s) / (1 - bar_t) * (1 - bar_t / bar_s)
    return bar_s.sqrt() * guess + (1 - bar_s - variance).sqrt() * rest + variance.sqrt() * noise
as a mean and what is added to it:
    a, b, c, d = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    x0 = torch.minimum(torch.ones(()), torch.maximum(-torch.ones(()), (xt - b * eps) / a))
    alpha = (a / c) ** 2
    sigma = eta * d * (1 - alpha) ** 0.5 / b
    keep = (d * d - sigma * sigma) ** 0.5 / b
    return keep * xt + (c - keep * a) * x0 + sigma * noise
not clipped: .clamp(-1, 1) →
    Your guess of the image is not clipped. Where the network errs by a little, division by a small
    a_t makes a lot of it: keep every pixel of the guess in [−1, 1].
the old noise: (xt - a * x0) / b → eps
    You clip the guess and keep the network's noise, so that a_t x_0 + b_t eps is x_t no longer. The
    noise has to follow the clipped guess: (x_t − a_t x_0) / b_t.
clips the state: → step(schedule, xt.clamp(-1, 1), eps, t, s, eta, noise)
    You clip x_t, which carries noise and may leave [−1, 1]. Clip the guess of the image.
clips the result: → unclipped(schedule, xt, eps, t, s, eta, noise).clamp(-1, 1)
    You clip the new state. At times s > 0 it still carries noise and may leave [−1, 1]; the guess
    of the image may not.
clips to [0, 1]: clamp(-1, 1) → clamp(0, 1)
    You clip to [0, 1]. The book's images have pixels in [−1, 1].
variance for sigma: sigma * noise → sigma**2 * noise
    You multiply the fresh noise with σ², its variance. The factor is σ.
sigma without its root: ) ** 2) ** 0.5 → ) ** 2)
    Your σ lacks a root: σ² is η² b_s² / b_t² times 1 − ᾱ_t / ᾱ_s.
eta ignored: eta * schedule → schedule
    Your step does not depend on η: it always adds the noise of η = 1.
eta squared: eta * schedule → eta**2 * schedule
    You use η². The factor of σ is η itself.
no room for the noise: (schedule.b(s) ** 2 - sigma**2) ** 0.5 * eps → schedule.b(s) * eps
    You add fresh noise and keep all of the old: together there is too much. Of b_s², the fresh
    noise takes σ², and b_s² − σ² is left for the old one.
the noise of one step: 1 - a**2 / schedule.a(s) ** 2 → schedule.betas[t]
    or: schedule.b(s) / b * → ; 1 - a**2 / schedule.a(s) ** 2 → schedule.betas[t]
    or: eta * schedule.b(s) → eta * schedule.b(t - 1)
    1 - a**2 / schedule.a(s) ** 2 → schedule.betas[t]
    Your σ knows the β of the last step only. A jump passes all steps from s to t: 1 − ᾱ_t / ᾱ_s.
roots in the ratio: a**2 / schedule.a(s) ** 2 → a / schedule.a(s)
    Your σ has a_t / a_s where ᾱ_t / ᾱ_s belongs, its square.
the ratio turned over: a**2 / schedule.a(s) ** 2 → schedule.a(s) ** 2 / a**2
    Your ratio ᾱ_s / ᾱ_t is above 1, and 1 minus it has no root. It is ᾱ_t / ᾱ_s.
a difference of roots: (schedule.b(s) ** 2 - sigma**2) ** 0.5 → (schedule.b(s) - sigma)
    The old noise keeps √(b_s² − σ²), which is not b_s − σ: variances add up, deviations do not.
upside down: eta * schedule.b(s) / b → eta * b / schedule.b(s)
    The ratio in σ is upside down: b_s / b_t.
stays at t: schedule.a(s) * x0 → a * x0
    You put the guess back with a_t. The state that you build belongs to time s.
the guess only: → ((xt - schedule.b(t) * eps) / schedule.a(t)).clamp(-1, 1)
    You stop at the guess of the image. Go on to the time s.
no fresh noise: + sigma * noise →
    You make room for the fresh noise and do not add it.
""")
QUESTION = Question("own_digits.step", 4, step, cases, ANSWERS)
