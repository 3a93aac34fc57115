"""Repair a step of the sampler."""

from genbook.checks import Case, Question, answers, generator, torch
from genbook.checks.ddpm.q_posterior import q_posterior  # noqa: F401, for the answers
from genbook.checks.ddpm.shared import schedules


def ancestral_step(schedule, xt, eps, t, noise):
    alpha, beta = schedule.alphas[t], schedule.betas[t]
    b = (1 - schedule.alpha_bars[t]).sqrt()
    mean = (xt - beta / b * eps) / alpha.sqrt()
    if t == 1:
        return mean
    return mean + beta.sqrt() * noise


def cases(seed: int) -> list[Case]:
    g = generator(seed)
    linear, cosine, random = schedules(seed)
    images = [torch.randn(2, 1, 8, 8, generator=g) for _ in range(3)]
    vectors = [torch.randn(5, 2, generator=g).double() for _ in range(3)]
    return [
        Case((linear, *images[:2], 15, images[2]), label="images"),
        Case((random, *vectors[:2], 4, vectors[2]), label="vectors"),
        Case((cosine, *vectors[:2], 2, vectors[2]), label="t = 2"),
        Case((linear, *vectors[:2], 1, vectors[2]), label="the last step, t = 1"),
    ]


ANSWERS = answers("""
by the predicted x_0:
    x0 = (xt - schedule.b(t) * eps) / schedule.a(t)
    mean, _ = q_posterior(schedule, x0, xt, t)
    return mean + (t > 1) * schedule.gather("betas", t) ** 0.5 * noise
in float64: (xt - beta / b * eps) → (xt.double() - (1 - alpha) / b * eps)
    if t == 1 → if False; beta.sqrt() * noise → ((1 - alpha) * (t > 1)).sqrt() * noise.double()
nothing repaired: schedule.alpha_bars[t] → alpha; t == 1 → t == 0; beta.sqrt() → beta
    This is still the given step. Three things are wrong with it: what eps is divided by, what the
    noise is multiplied with, and the last step.
only the factor of eps repaired: t == 1 → t == 0; beta.sqrt() → beta
    What eps is divided by is right now. Two mistakes remain, both about the fresh noise: its factor
    (β_t is a variance), and the step in which there should be none.
only the factor of the noise repaired: schedule.alpha_bars[t] → alpha; t == 1 → t == 0
    The factor of the noise is right now. Two mistakes remain: whose noise is eps, that of one step
    or that of the whole jump from x_0? And what happens at t = 1?
only the last step repaired: schedule.alpha_bars[t] → alpha; beta.sqrt() → beta
    The last step is free of noise now. Two mistakes remain, both about factors: what eps is divided
    by (α_t or ᾱ_t?), and the noise (variance or standard deviation?).
the posterior variance: beta.sqrt() → (beta * (1 - schedule.alpha_bars[t - 1])).sqrt() / b
    You add noise of variance β̃_t, that of q(x_{t−1} | x_t, x_0). This is a choice too, but the
    sampler of this question has σ_t² = β_t.
alpha for alpha-bar: schedule.alpha_bars[t] → alpha
    You divide by √(1 − α_t). The eps that the network predicts is the noise of the whole jump from
    x_0, so its factor is √(1 − ᾱ_t).
variance for standard deviation: beta.sqrt() → beta
    You add β_t times a standard normal number, whose variance is β_t². The step needs variance β_t:
    multiply with √β_t.
noise in the last step: t == 1 → t == 0
    You add noise in the step to t = 0 as well. That step ends in the image itself, so its noise
    would stay in the picture.
no noise at all: + beta.sqrt() * noise →
    Without noise this is the mean of the step only, and the variances of the chain shrink.
root of alpha lost: / alpha.sqrt() → / alpha
    You divide by α_t. The step forward multiplied with √α_t, and so √α_t is divided out.
root of 1 − alpha-bar lost: (1 - schedule.alpha_bars[t]).sqrt() → (1 - schedule.alpha_bars[t])
    You divide β_t by 1 − ᾱ_t. The noise of x_t has the factor b_t = √(1 − ᾱ_t): take the root.
""")
QUESTION = Question("ddpm.ancestral_step", 3, ancestral_step, cases, ANSWERS)
