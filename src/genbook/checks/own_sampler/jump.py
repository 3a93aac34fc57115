"""One jump, from the data that were predicted."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.own_sampler.shared import schedules


def jump(schedule, x, data, t, s, eta, noise):
    a, b = schedule.a(t), schedule.b(t)
    eps = (x - a * data) / b
    sigma = eta * schedule.b(s) / b * (1 - a**2 / schedule.a(s) ** 2) ** 0.5
    kept = (schedule.b(s) ** 2 - sigma**2) ** 0.5
    return schedule.a(s) * data + kept * eps + sigma * noise


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, random = schedules(seed)
    images = [torch.randn(3, 2, 1, 4, 4, generator=g) for _ in range(3)]
    points = [torch.randn(3, 5, 2, generator=g, dtype=torch.float64) for _ in range(2)]
    eta = 0.3 + 0.4 * float(torch.rand((), generator=g))

    def case(schedule, three, t, s, eta, label):
        x, data, noise = three
        return Case((schedule, x, data, t, s, eta, noise), label=label)

    return [
        case(linear, images[0], 12, 7, 0.0, "η = 0"),
        case(linear, images[1], 18, 5, 1.0, "η = 1"),
        case(random, points[0], 7, 3, eta, "η between"),
        case(random, points[1], 6, 5, eta, "a single step"),
        case(linear, images[2], 3, 0, 1.0, "into the image, s = 0"),
    ]


ANSWERS = answers("""
by what stays of x:
    a, b, c, d = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    variance = eta**2 * d**2 / b**2 * (1 - (a / c) ** 2)
    keep = (d**2 - variance) ** 0.5 / b
    return keep * x + (c - keep * a) * data + variance**0.5 * noise
from ᾱ, in float64:
    bar_t, bar_s = float(schedule.alpha_bars[t]), float(schedule.alpha_bars[s])
    sigma = eta * math.sqrt((1 - bar_s) / (1 - bar_t) * (1 - bar_t / bar_s))
    eps = (x.double() - math.sqrt(bar_t) * data) / math.sqrt(1 - bar_t)
    rest = math.sqrt(1 - bar_s - sigma**2)
    return math.sqrt(bar_s) * data + rest * eps + sigma * noise
data taken for noise: eps = (x - a * data) / b → eps, data = data, (x - b * data) / a
    You took the prediction for the noise. It is the data x_0; the noise is what is left of x.
the noise is the rest: (x - a * data) / b → x - a * data
    You forgot to divide by b_t: x − a_t x_0 is b_t times the noise.
the data not faded: (x - a * data) / b → (x - data) / b
    In x the data are multiplied with a_t. Take a_t x_0 away, not x_0.
noise in the last step: sigma = eta * schedule.b(s) / b * → sigma = eta *
    or: eta * schedule.b(s) / b → eta * b
    (schedule.b(s) ** 2 - sigma**2) → max(0.0, schedule.b(s) ** 2 - sigma**2)
    or: (schedule.b(s) ** 2 - sigma**2) → max(0.0, schedule.b(s) ** 2 - sigma**2)
    sigma = eta * schedule.b(s) / b * → sigma = eta *
    or: (schedule.b(s) ** 2 - sigma**2) ** 0.5 → schedule.b(s) * (1 - eta**2) ** 0.5
    sigma = eta * schedule.b(s) / b * → sigma = eta *
    Your last jump adds noise that nobody takes out again. The factor b_s / b_t makes σ zero at
    s = 0, and keeps it below b_s everywhere.
variance for sigma: sigma * noise → sigma**2 * noise
    You multiply the fresh noise with σ², its variance. The factor is σ.
sigma without its root: (1 - a**2 / schedule.a(s) ** 2) ** 0.5 → (1 - a**2 / schedule.a(s) ** 2)
    Your σ lacks a root: σ² is η² b_s² / b_t² times 1 − ᾱ_t / ᾱ_s.
eta ignored: eta * schedule → schedule
    Your jump does not depend on η: it always adds the noise of η = 1.
eta squared: eta * schedule → eta**2 * schedule
    You use η². The factor of σ is η itself.
no room for the noise: (schedule.b(s) ** 2 - sigma**2) ** 0.5 → schedule.b(s)
    You add fresh noise and keep all of the old: together there is too much. Of b_s², the fresh
    noise takes σ², and b_s² − σ² is left for the old one.
a difference of deviations: (schedule.b(s) ** 2 - sigma**2) ** 0.5 → (schedule.b(s) - sigma)
    The old noise keeps √(b_s² − σ²), which is not b_s − σ: variances add up, deviations do not.
no fresh noise: + sigma * noise →
    You make room for the fresh noise and do not add it.
the noise of one step: 1 - a**2 / schedule.a(s) ** 2 → schedule.betas[t]
    Your σ knows the β of one step only. A jump passes all steps from s to t: 1 − ᾱ_t / ᾱ_s.
roots in the ratio: a**2 / schedule.a(s) ** 2 → a / schedule.a(s)
    Your σ has a_t / a_s where ᾱ_t / ᾱ_s belongs, its square.
stays at t: schedule.a(s) * data → a * data
    You put the data back with a_t. The state that you build belongs to time s.
the data only: → data
    You stop at the predicted data. Go on to the time s.
""")
QUESTION = Question("own_sampler.jump", 3, jump, cases, ANSWERS)
