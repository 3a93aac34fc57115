"""The step back with the answer in hand."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.ddpm.shared import schedules


def q_posterior(schedule, x0, xt, t):
    alpha, beta = schedule.alphas[t], schedule.betas[t]
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    mean = before.sqrt() * beta / (1 - now) * x0 + alpha.sqrt() * (1 - before) / (1 - now) * xt
    return mean, beta * (1 - before) / (1 - now)


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, cosine, random = schedules(seed)
    images = [torch.randn(2, 1, 8, 8, generator=g) for _ in range(2)]
    vectors = [torch.randn(5, 2, generator=g).double() for _ in range(2)]
    return [
        Case((linear, *images, 12), label="images"),
        Case((random, *vectors, 3), label="vectors"),
        Case((cosine, *vectors, 10), label="t = T"),
        Case((random, *images, 2), label="t = 2"),
        Case((linear, *vectors, 1), label="t = 1"),
    ]


ANSWERS = answers("""
by two witnesses, each weighed with the variance of the other:
    alpha, before = schedule.alphas[t], schedule.alpha_bars[t - 1]
    step, prior = (1 - alpha) / alpha, 1 - before
    mean = (step * before**0.5 * x0.double() + prior / alpha**0.5 * xt) / (step + prior)
    return mean, step * prior / (step + prior)
by gain:
    root, before = schedule.alphas[t].sqrt(), schedule.alpha_bars[t - 1]
    guess, spread = before.sqrt() * x0.double(), 1 - before
    gain = root * spread / (1 - schedule.alpha_bars[t])
    return guess + gain * (xt - root * guess), (1 - gain * root) * spread
beta for the variance: beta * (1 - before) / (1 - now) → beta
    Your variance is β_t, that of a step forward. Knowing x_0 as well makes x_{t−1} more certain:
    β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) · β_t.
standard deviation: beta * (1 - before) / (1 - now) → (beta * (1 - before) / (1 - now)).sqrt()
    Your second value is the standard deviation; the question asks for the variance.
mean only: , beta * (1 - before) / (1 - now) →
    You returned the mean only. Return two things, the mean and the variance: `return mean,
    variance`.
ratio upside down: beta * (1 - before) / (1 - now) → beta * (1 - now) / (1 - before)
    The ratio in your variance is upside down. Knowing x_0 makes x_{t−1} more certain, so the
    variance must be smaller than β_t, and 0 at t = 1.
weights swapped: * x0 → * xt; * xt → * x0
    The weights of x_0 and x_t are swapped. For small β_t the image hardly changes in a step, so
    nearly all the weight must lie on x_t.
alpha-bar of the wrong time: before.sqrt() → now.sqrt()
    The weight of x_0 has √ᾱ_t. It comes from q(x_{t−1} | x_0), so it is √ᾱ_{t−1}.
mean without the data: return mean → return xt / alpha.sqrt()
    Your mean only undoes the shrinking, x_t / √α_t. Bayes' rule also uses what x_0 says.
root of alpha-bar lost: before.sqrt() → before
    The weight of x_0 has ᾱ_{t−1}. The image in x_{t−1} has the factor √ᾱ_{t−1}: its root.
root of alpha lost: alpha.sqrt() → alpha
    The weight of x_t has α_t. A step multiplies with √α_t, and so does the weight: its root.
both roots lost: before.sqrt() → before; alpha.sqrt() → alpha
    Both weights have lost their roots: √ᾱ_{t−1} belongs to x_0, √α_t to x_t.
an index too low: → q_posterior(schedule, x0, xt, t - 1 or schedule.T)
    You read the schedule at t − 1. Its tensors are indexed by t itself; entry 0 is the image.
""")
QUESTION = Question("ddpm.q_posterior", 3, q_posterior, cases, ANSWERS)
