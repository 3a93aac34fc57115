"""The questions of the exercise sheet on denoising diffusion probabilistic models."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn

from genbook.checks import Case, Misconception, Question, Training
from genbook.data import toy2d
from genbook.gaussians import GaussianMixture
from genbook.nn.mlp import MLP
from genbook.schedules import NoiseSchedule, Time

__all__ = ["QUESTIONS"]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _schedules(seed: int) -> list[NoiseSchedule]:
    """Three short schedules: two that are known by name, one drawn at random."""
    betas = 0.02 + 0.4 * torch.rand(7, generator=_generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule.cosine(10), NoiseSchedule(betas)]


def _column(schedule: NoiseSchedule, name: str, t: Time, like: Tensor) -> Tensor:
    """A schedule's column at t, shaped to multiply a batch, for misconceptions and alternatives."""
    values = getattr(schedule, name)[torch.as_tensor(t)].to(like)
    return values.reshape(-1, *[1] * (like.ndim - 1)) if values.ndim else values


# --- 1. By hand ----------------------------------------------------------------------------------


def by_hand() -> tuple[float, float, float]:
    alpha_bar = 0.9 * 0.8 * 0.5
    return alpha_bar, alpha_bar**0.5 * 2.0, 1 - alpha_bar


def _by_hand_loop() -> list[float]:
    mean, variance = 2.0, 0.0
    for beta in (0.1, 0.2, 0.5):
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    return [(mean / 2) ** 2, mean, variance]


def _by_hand_numpy() -> np.ndarray:
    alpha_bar = np.prod(1 - np.array([0.1, 0.2, 0.5]))
    return np.array([alpha_bar, 2 * np.sqrt(alpha_bar), 1 - alpha_bar])


BY_HAND = Question(
    id="ddpm.by_hand",
    points=2,
    name="by_hand",
    reference=by_hand,
    cases=lambda seed: [Case(label="the three numbers")],
    alternatives=(_by_hand_loop, _by_hand_numpy),
    misconceptions=(
        Misconception(
            "added variances",
            lambda: (1 - 0.8, math.sqrt(0.2) * 2, 0.8),
            "You added the three β. Each step also shrinks the noise that was there before it, so "
            "the noise variances do not add up: multiply the α = 1 − β instead.",
        ),
        Misconception(
            "product of the betas",
            lambda: (0.1 * 0.2 * 0.5, math.sqrt(0.01) * 2, 0.99),
            "You multiplied the β. What survives a step is the share α = 1 − β, so ᾱ is the "
            "product of the α.",
        ),
        Misconception(
            "mean without the root",
            lambda: (0.36, 0.72, 0.64),
            "Your mean is ᾱ x_0. ᾱ is a share of the variance; the image itself is multiplied "
            "with its square root.",
        ),
        Misconception(
            "standard deviation",
            lambda: (0.36, 1.2, 0.8),
            "Your third number is the standard deviation √(1 − ᾱ). The question asks for the "
            "variance.",
        ),
    ),
)


# --- 2. From beta to alpha-bar -------------------------------------------------------------------


def alpha_bars(betas: Tensor) -> Tensor:
    return torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)])


def _alpha_bars_loop(betas: Tensor) -> Tensor:
    result = [torch.ones((), dtype=betas.dtype)]
    for beta in betas:
        result.append(result[-1] * (1 - beta))
    return torch.stack(result)


def _alpha_bars_float64(betas: Tensor) -> np.ndarray:
    logs = np.log1p(-betas.double().numpy())
    return np.exp(np.concatenate([[0.0], np.cumsum(logs)]))


def _alpha_bars_cases(seed: int) -> list[Case]:
    random = torch.rand(6, generator=_generator(seed))
    return [
        Case((torch.tensor([0.1, 0.2, 0.5]),), label="the β of question 1"),
        Case((0.3 * random + 0.01,), label="six β"),
        Case((torch.tensor([0.25], dtype=torch.float64),), label="a single step"),
        Case((torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64),), label="T = 1000"),
    ]


ALPHA_BARS = Question(
    id="ddpm.alpha_bars",
    points=2,
    name="alpha_bars",
    reference=alpha_bars,
    cases=_alpha_bars_cases,
    alternatives=(_alpha_bars_loop, _alpha_bars_float64),
    equivalent_mutants={
        "return torch.cat([betas.new_ones(1), (1 - betas).cumprod(0)]) → "
        "return torch.cat([betas.new_ones(1), (1 - betas).cumprod(-1)])": (
            "the β have one axis, which is the first and the last"
        ),
        "return torch.cat([torch.ones_like(betas[:1]), torch.cumprod(1 - betas, 0)]) → "
        "return torch.cat([torch.ones_like(betas[:1]), torch.cumprod(1 - betas, -1)])": (
            "the β have one axis, which is the first and the last"
        ),
    },
    misconceptions=(
        Misconception(
            "product to T",
            lambda betas: torch.cat([betas.new_ones(1), (1 - betas).prod().expand(len(betas))]),
            "All entries hold the product over all T steps. ᾱ_t is the product of α_1 to α_t "
            "only: an image at time t has not yet met the noise of the later steps.",
        ),
        Misconception(
            "alpha for alpha-bar",
            lambda betas: torch.cat([betas.new_ones(1), 1 - betas]),
            "These are the α_t of single steps. ᾱ_t is what all steps up to t leave: their "
            "cumulative product.",
        ),
        Misconception(
            "no entry for t = 0",
            lambda betas: (1 - betas).cumprod(0),
            "The entry for t = 0 is missing. Tensors of this book are indexed by t itself: T + 1 "
            "entries, and ᾱ_0 = 1, because nothing has happened to the image yet.",
        ),
        Misconception(
            "product of the betas",
            lambda betas: torch.cat([betas.new_ones(1), betas.cumprod(0)]),
            "You multiplied the β. What survives a step is α = 1 − β.",
        ),
        Misconception(
            "sum of the betas",
            lambda betas: torch.cat([betas.new_ones(1), 1 - betas.cumsum(0)]),
            "You subtracted the sum of the β. That agrees with the product at the first step "
            "only, and becomes negative later.",
        ),
    ),
)


# --- 3. One jump ---------------------------------------------------------------------------------


def q_sample(schedule: NoiseSchedule, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
    return schedule.a(t, x0) * x0 + schedule.b(t, x0) * eps


def _q_sample_float64(schedule: NoiseSchedule, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
    alpha_bar = _column(schedule, "alpha_bars", t, x0.double())
    return alpha_bar**0.5 * x0.double() + (1 - alpha_bar) ** 0.5 * eps.double()


def _q_sample_loop(schedule: NoiseSchedule, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
    times = [t] * len(x0) if isinstance(t, int) else [int(number) for number in t]
    rows = []
    for x, e, time in zip(x0, eps, times, strict=True):
        alpha_bar = math.prod(float(alpha) for alpha in schedule.alphas[1 : time + 1])
        rows.append(math.sqrt(alpha_bar) * x + math.sqrt(1 - alpha_bar) * e)
    return torch.stack(rows)


def _noise_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    linear, cosine, random = _schedules(seed)
    images = torch.randn(4, 1, 8, 8, generator=g)
    vectors = torch.randn(3, 2, generator=g)
    square = torch.randn(3, 3, generator=g, dtype=torch.float64)
    return [
        Case(
            (linear, images, torch.tensor([1, 5, 13, 20]), torch.randn(4, 1, 8, 8, generator=g)),
            label="images, one t each",
        ),
        Case((random, vectors, 4, torch.randn(3, 2, generator=g)), label="an integer t"),
        Case(
            (cosine, square, torch.tensor([9, 2, 6]), torch.randn(3, 3, generator=g).double()),
            label="as many samples as dimensions",
        ),
        Case((linear, vectors, 0, torch.randn(3, 2, generator=g)), label="t = 0"),
        Case((random, vectors, 7, torch.randn(3, 2, generator=g)), label="t = T"),
    ]


Q_SAMPLE = Question(
    id="ddpm.q_sample",
    points=2,
    name="q_sample",
    reference=q_sample,
    cases=_noise_cases,
    alternatives=(_q_sample_float64, _q_sample_loop),
    misconceptions=(
        Misconception(
            "variance for standard deviation",
            lambda s, x0, t, eps: s.a(t, x0) * x0 + s.b(t, x0) ** 2 * eps,
            "You multiply the noise with 1 − ᾱ_t, which is its variance. A standard normal number "
            "times √(1 − ᾱ_t) has that variance.",
        ),
        Misconception(
            "alpha for alpha-bar",
            lambda s, x0, t, eps: (
                _column(s, "alphas", t, x0) ** 0.5 * x0 + _column(s, "betas", t, x0) ** 0.5 * eps
            ),
            "You used α_t and β_t, which belong to the one step from t − 1 to t. The jump from 0 "
            "to t needs ᾱ_t, the product of all α up to t.",
        ),
        Misconception(
            "alpha-bar without roots",
            lambda s, x0, t, eps: s.a(t, x0) ** 2 * x0 + s.b(t, x0) ** 2 * eps,
            "You mix with ᾱ_t and 1 − ᾱ_t. These are shares of the variance; signal and noise are "
            "multiplied with their square roots.",
        ),
        Misconception(
            "signal and noise swapped",
            lambda s, x0, t, eps: s.b(t, x0) * x0 + s.a(t, x0) * eps,
            "Your image gets clearer as t grows: the two factors are swapped. √ᾱ_t belongs to x_0.",
        ),
        Misconception(
            "an index too low",
            lambda s, x0, t, eps: (
                _column(s, "alpha_bars", torch.as_tensor(t) - 1, x0) ** 0.5 * x0
                + (1 - _column(s, "alpha_bars", torch.as_tensor(t) - 1, x0)) ** 0.5 * eps
            ),
            "You read the schedule at t − 1. Its tensors have T + 1 entries and are indexed by t "
            "itself; entry 0 means “no noise”.",
        ),
        Misconception(
            "noise that does not shrink the image",
            lambda s, x0, t, eps: x0 + s.b(t, x0) * eps,
            "You added noise to an image of full strength. The forward chain also fades the "
            "image, by √ᾱ_t, so that the total variance stays the same.",
        ),
    ),
)


# --- 4. One step back, if we knew the start ------------------------------------------------------


def q_posterior(schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int) -> tuple[Tensor, Tensor]:
    alpha, beta = schedule.alphas[t], schedule.betas[t]
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    mean = before**0.5 * beta / (1 - now) * x0 + alpha**0.5 * (1 - before) / (1 - now) * xt
    return mean, beta * (1 - before) / (1 - now)


def _posterior_precisions(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int
) -> tuple[Tensor, Tensor]:
    if t == 1:
        return x0.clone(), torch.zeros(())
    alpha, before = schedule.alphas[t], schedule.alpha_bars[t - 1]
    forward, prior = alpha / (1 - alpha), 1 / (1 - before)
    precision = forward + prior
    mean = (forward / alpha**0.5 * xt.double() + prior * before**0.5 * x0.double()) / precision
    return mean, 1 / precision


def _posterior_kalman(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int
) -> tuple[Tensor, Tensor]:
    root, before = schedule.alphas[t].sqrt(), schedule.alpha_bars[t - 1]
    guess, spread = before.sqrt() * x0.double(), 1 - before
    gain = root * spread / (1 - schedule.alpha_bars[t])
    return guess + gain * (xt - root * guess), (1 - gain * root) * spread


def _posterior_with(
    change: Callable[[float, float, float, float], tuple[float, float, float]],
) -> Callable[..., tuple[Tensor, float]]:
    """A wrong posterior: `change` gives the factors of x_0 and x_t and the variance."""

    def wrong(schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int) -> tuple[Tensor, float]:
        alpha, beta = float(schedule.alphas[t]), float(schedule.betas[t])
        before, now = float(schedule.alpha_bars[t - 1]), float(schedule.alpha_bars[t])
        first, second, variance = change(alpha, beta, before, now)
        return first * x0 + second * xt, variance

    return wrong


def _posterior_upside_down(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int
) -> tuple[Tensor, Tensor]:
    mean, _ = q_posterior(schedule, x0, xt, t)
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    return mean, schedule.betas[t] * (1 - now) / (1 - before)  # infinite at t = 1


def _posterior_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    linear, cosine, random = _schedules(seed)
    images = torch.randn(2, 1, 8, 8, generator=g), torch.randn(2, 1, 8, 8, generator=g)
    vectors = torch.randn(5, 2, generator=g).double(), torch.randn(5, 2, generator=g).double()
    return [
        Case((linear, *images, 12), label="images"),
        Case((random, *vectors, 3), label="vectors"),
        Case((cosine, *vectors, 10), label="t = T"),
        Case((random, *images, 2), label="t = 2"),
        Case((linear, *vectors, 1), label="t = 1"),
    ]


Q_POSTERIOR = Question(
    id="ddpm.q_posterior",
    points=3,
    name="q_posterior",
    reference=q_posterior,
    cases=_posterior_cases,
    alternatives=(_posterior_precisions, _posterior_kalman),
    misconceptions=(
        Misconception(
            "beta for the variance",
            _posterior_with(
                lambda α, β, before, now: (
                    before**0.5 * β / (1 - now),
                    α**0.5 * (1 - before) / (1 - now),
                    β,
                )
            ),
            "Your variance is β_t, that of a step forward. Knowing x_0 as well makes x_{t−1} more "
            "certain: β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) · β_t.",
        ),
        Misconception(
            "standard deviation",
            _posterior_with(
                lambda α, β, before, now: (
                    before**0.5 * β / (1 - now),
                    α**0.5 * (1 - before) / (1 - now),
                    (β * (1 - before) / (1 - now)) ** 0.5,
                )
            ),
            "Your second value is the standard deviation; the question asks for the variance.",
        ),
        Misconception(
            "mean only",
            lambda schedule, x0, xt, t: q_posterior(schedule, x0, xt, t)[0],
            "You returned the mean only. Return two things, the mean and the variance: "
            "`return mean, variance`.",
        ),
        Misconception(
            "ratio upside down",
            _posterior_upside_down,
            "The ratio in your variance is upside down. Knowing x_0 makes x_{t−1} more certain, so "
            "the variance must be smaller than β_t, and 0 at t = 1.",
        ),
        Misconception(
            "weights swapped",
            _posterior_with(
                lambda α, β, before, now: (
                    α**0.5 * (1 - before) / (1 - now),
                    before**0.5 * β / (1 - now),
                    β * (1 - before) / (1 - now),
                )
            ),
            "The weights of x_0 and x_t are swapped. For small β_t the image hardly changes in a "
            "step, so nearly all the weight must lie on x_t.",
        ),
        Misconception(
            "alpha-bar of the wrong time",
            _posterior_with(
                lambda α, β, before, now: (
                    now**0.5 * β / (1 - now),
                    α**0.5 * (1 - before) / (1 - now),
                    β * (1 - before) / (1 - now),
                )
            ),
            "The weight of x_0 has √ᾱ_t. It comes from q(x_{t−1} | x_0), so it is √ᾱ_{t−1}.",
        ),
        Misconception(
            "mean without the data",
            _posterior_with(
                lambda α, β, before, now: (0.0, 1 / α**0.5, β * (1 - before) / (1 - now))
            ),
            "Your mean only undoes the shrinking, x_t / √α_t. Bayes' rule also uses what x_0 says "
            "about x_{t−1}.",
        ),
    ),
)


# --- 5. Repair a step of the sampler -------------------------------------------------------------


def ancestral_step(
    schedule: NoiseSchedule, xt: Tensor, eps: Tensor, t: int, noise: Tensor
) -> Tensor:
    alpha, beta = schedule.gather("alphas", t), schedule.gather("betas", t)
    mean = (xt - beta / schedule.b(t) * eps) / alpha**0.5
    return mean + beta**0.5 * noise if t > 1 else mean


def _step_by_x0(schedule: NoiseSchedule, xt: Tensor, eps: Tensor, t: int, noise: Tensor) -> Tensor:
    x0 = (xt - schedule.b(t) * eps) / schedule.a(t)
    mean, _ = q_posterior(schedule, x0, xt, t)
    return mean + (t > 1) * schedule.gather("betas", t) ** 0.5 * noise


def _step_float64(
    schedule: NoiseSchedule, xt: Tensor, eps: Tensor, t: int, noise: Tensor
) -> Tensor:
    alpha, alpha_bar = schedule.alphas[t], schedule.alpha_bars[t]
    mean = alpha**-0.5 * (xt.double() - (1 - alpha) * (1 - alpha_bar) ** -0.5 * eps)
    sigma = (1 - alpha).sqrt() if t > 1 else torch.zeros(())
    return mean + sigma * noise


def _step_with(
    scale: Callable[[NoiseSchedule, int], float], sigma: Callable[[NoiseSchedule, int], float]
) -> Callable[..., Tensor]:
    """A wrong step: other factors of eps and of the noise."""

    def wrong(schedule: NoiseSchedule, xt: Tensor, eps: Tensor, t: int, noise: Tensor) -> Tensor:
        alpha = schedule.gather("alphas", t)
        mean = (xt - scale(schedule, t) * eps) / alpha**0.5
        return mean + sigma(schedule, t) * noise

    return wrong


def _right_scale(schedule: NoiseSchedule, t: int) -> float:
    return float(schedule.gather("betas", t)) / float(schedule.b(t))


def _right_sigma(schedule: NoiseSchedule, t: int) -> float:
    return float(schedule.gather("betas", t)) ** 0.5 if t > 1 else 0.0


def _given_step(schedule: NoiseSchedule, xt: Tensor, eps: Tensor, t: int, noise: Tensor) -> Tensor:
    alpha, beta = schedule.gather("alphas", t), schedule.gather("betas", t)
    mean = (xt - beta / (1 - alpha) ** 0.5 * eps) / alpha**0.5
    return mean + beta * noise


def _given_scale(schedule: NoiseSchedule, t: int) -> float:
    return float(schedule.gather("betas", t)) ** 0.5  # β / √(1 − α)


def _shorter_variance(schedule: NoiseSchedule, t: int) -> float:
    before, now = schedule.alpha_bars[t - 1], schedule.alpha_bars[t]
    return float(schedule.betas[t] * (1 - before) / (1 - now)) ** 0.5


def _step_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    linear, cosine, random = _schedules(seed)
    images = [torch.randn(2, 1, 8, 8, generator=g) for _ in range(3)]
    vectors = [torch.randn(5, 2, generator=g).double() for _ in range(3)]
    return [
        Case((linear, images[0], images[1], 15, images[2]), label="images"),
        Case((random, vectors[0], vectors[1], 4, vectors[2]), label="vectors"),
        Case((cosine, vectors[0], vectors[1], 2, vectors[2]), label="t = 2"),
        Case((linear, vectors[0], vectors[1], 1, vectors[2]), label="the last step, t = 1"),
    ]


STEP = Question(
    id="ddpm.ancestral_step",
    points=3,
    name="ancestral_step",
    reference=ancestral_step,
    cases=_step_cases,
    alternatives=(_step_by_x0, _step_float64),
    misconceptions=(
        Misconception(
            "nothing repaired",
            _given_step,
            "This is still the given step. Three things are wrong with it: what eps is divided "
            "by, what the noise is multiplied with, and the last step.",
        ),
        Misconception(
            "only the factor of eps repaired",
            _step_with(_right_scale, lambda s, t: float(s.gather("betas", t))),
            "What eps is divided by is right now. Two mistakes remain, both about the fresh noise: "
            "its factor (β_t is a variance), and the step in which there should be none.",
        ),
        Misconception(
            "only the factor of the noise repaired",
            _step_with(_given_scale, lambda s, t: float(s.gather("betas", t)) ** 0.5),
            "The factor of the noise is right now. Two mistakes remain: whose noise is eps, that "
            "of one step or that of the whole jump from x_0? And what happens at t = 1?",
        ),
        Misconception(
            "only the last step repaired",
            _step_with(_given_scale, lambda s, t: float(s.gather("betas", t)) if t > 1 else 0.0),
            "The last step is free of noise now. Two mistakes remain, both about factors: what "
            "eps is divided by (α_t or ᾱ_t?), and the noise (variance or standard deviation?).",
        ),
        Misconception(
            "the posterior variance",
            _step_with(_right_scale, _shorter_variance),
            "You add noise of variance β̃_t, that of q(x_{t−1} | x_t, x_0). This is a choice too, "
            "but the sampler of this question has σ_t² = β_t.",
        ),
        Misconception(
            "alpha for alpha-bar",
            _step_with(_given_scale, _right_sigma),
            "You divide by √(1 − α_t). The eps that the network predicts is the noise of the whole "
            "jump from x_0, so its factor is √(1 − ᾱ_t).",
        ),
        Misconception(
            "variance for standard deviation",
            _step_with(_right_scale, lambda s, t: float(s.gather("betas", t)) if t > 1 else 0.0),
            "You add β_t times a standard normal number, whose variance is β_t². The step needs "
            "variance β_t: multiply with √β_t.",
        ),
        Misconception(
            "noise in the last step",
            _step_with(_right_scale, lambda s, t: float(s.gather("betas", t)) ** 0.5),
            "You add noise in the step to t = 0 as well. That step ends in the image itself, so "
            "its noise would stay in the picture.",
        ),
        Misconception(
            "no noise at all",
            _step_with(_right_scale, lambda s, t: 0.0),
            "Without noise this is the mean of the step only, and the variances of the chain "
            "shrink.",
        ),
    ),
)


# --- 6. What an error weighs ---------------------------------------------------------------------


def eps_error(schedule: NoiseSchedule, t: int, prediction: str) -> float:
    alpha, beta = schedule.gather("alphas", t), schedule.gather("betas", t)
    alpha_bar = schedule.gather("alpha_bars", t)
    weights = {
        "eps": 1.0,
        "x0": alpha_bar / (1 - alpha_bar),
        "v": alpha_bar,
        "mean": alpha * (1 - alpha_bar) / beta**2,
    }
    return float(weights[prediction])


def _eps_error_slopes(schedule: NoiseSchedule, t: int, prediction: str) -> float:
    """1 / (slope of the prediction in eps, at fixed x_t)²."""
    a, b = float(schedule.a(t)), float(schedule.b(t))
    mean = float(schedule.betas[t]) / b / math.sqrt(float(schedule.alphas[t]))
    slope = {"eps": 1.0, "x0": b / a, "v": a + b * b / a, "mean": mean}[prediction]
    return slope**-2


def _eps_error_match(schedule: NoiseSchedule, t: int, prediction: str) -> Tensor:
    alpha_bar = schedule.alpha_bars[t]
    if prediction == "x0":
        return (schedule.a(t) / schedule.b(t)) ** 2 * torch.ones(())
    if prediction == "v":
        return alpha_bar
    if prediction == "mean":
        return (1 - schedule.betas[t]) / schedule.betas[t] * (1 - alpha_bar) / schedule.betas[t]
    return torch.ones(())


def _changed_weight(
    name: str, change: Callable[[NoiseSchedule, int], float]
) -> Callable[..., float]:
    def wrong(schedule: NoiseSchedule, t: int, prediction: str) -> float:
        return change(schedule, t) if prediction == name else eps_error(schedule, t, prediction)

    return wrong


def _weight_cases(seed: int) -> list[Case]:
    linear, cosine, random = _schedules(seed)
    return [
        Case((linear, 5, "eps"), label='"eps"'),
        Case((linear, 5, "x0"), label='"x0"'),
        Case((random, 4, "x0"), label='"x0", other β'),
        Case((cosine, 7, "v"), label='"v"'),
        Case((random, 3, "mean"), label='"mean"'),
        Case((linear, 18, "mean"), label='"mean", late'),
    ]


EPS_ERROR = Question(
    id="ddpm.eps_error",
    points=2,
    name="eps_error",
    reference=eps_error,
    cases=_weight_cases,
    alternatives=(_eps_error_slopes, _eps_error_match),
    misconceptions=(
        Misconception(
            "ratio of amplitudes",
            _changed_weight("x0", lambda s, t: float(s.a(t)) / float(s.b(t))),
            "Your factor for x0 is a_t / b_t. It converts the error itself; for the *squared* "
            "error it has to be squared, which gives the signal-to-noise ratio.",
        ),
        Misconception(
            "inverse ratio",
            _changed_weight("x0", lambda s, t: (float(s.b(t)) / float(s.a(t))) ** 2),
            "Your factor for x0 is upside down. Near t = 0 a small error in x_0 is a large "
            "one in eps, because there is little noise to be found.",
        ),
        Misconception(
            "v without the change of x0",
            _changed_weight("v", lambda s, t: 1 / float(s.a(t)) ** 2),
            "From v = a eps − b x_0 you held x_0 fixed. But x_t is what is fixed: an error in eps "
            "changes the x_0 that goes with it. Write eps = b x_t + a v first.",
        ),
        Misconception(
            "beta not squared",
            _changed_weight(
                "mean",
                lambda s, t: float(
                    s.gather("alphas", t) * (1 - s.gather("alpha_bars", t)) / s.gather("betas", t)
                ),
            ),
            "In the factor for the mean, β_t must be squared, as all factors of a squared error "
            "are.",
        ),
        Misconception(
            "all upside down",
            lambda s, t, prediction: 1 / eps_error(s, t, prediction),
            "All your factors are upside down: they lead from the error of eps to that of the "
            "prediction. Solve for eps first; the factor is what then stands before the "
            "prediction, squared.",
        ),
        Misconception(
            "none squared",
            lambda s, t, prediction: eps_error(s, t, prediction) ** 0.5,
            "Your factors convert the error itself. For the *squared* error each of them has to "
            "be squared.",
        ),
        Misconception(
            "noise share for v",
            _changed_weight("v", lambda s, t: float(s.b(t)) ** 2),
            "Your factor for v is b_t². In eps = b x_t + a v, the b belongs to x_t, which is "
            "known; the error of v is multiplied with a.",
        ),
    ),
)


# --- 7. Design a schedule ------------------------------------------------------------------------


def design_betas(T: int, first: float, last: float) -> Tensor:
    alpha_bar = torch.linspace(first, last, T, dtype=torch.float64).sigmoid()
    before = torch.cat([alpha_bar.new_ones(1), alpha_bar[:-1]])
    return 1 - alpha_bar / before


def _design_loop(T: int, first: float, last: float) -> list[float]:
    betas, before = [], 1.0
    for i in range(T):
        snr = math.exp(first + (last - first) * i / (T - 1))
        betas.append(1 - snr / (1 + snr) / before)
        before = snr / (1 + snr)
    return betas


def _design_numpy(T: int, first: float, last: float) -> np.ndarray:
    logs = -np.logaddexp(0.0, -np.linspace(first, last, T))
    return -np.expm1(np.diff(logs, prepend=0.0))


def _design_with(change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """A wrong design: `change` maps the log-SNR to β."""

    def wrong(T: int, first: float, last: float) -> Tensor:
        return change(torch.linspace(first, last, T, dtype=torch.float64))

    return wrong


def _steps_of(alpha_bar: Tensor) -> Tensor:
    return 1 - alpha_bar / torch.cat([alpha_bar.new_ones(1), alpha_bar[:-1]])


def _design_cases(seed: int) -> list[Case]:
    low, high = torch.rand(2, generator=_generator(seed)).tolist()
    return [
        Case((4, 3.0, -3.0), label="four steps"),
        Case((50, 8.0 + high, -6.0 - low), label="fifty steps"),
        Case((1000, 9.0, -10.0), label="T = 1000"),
    ]


DESIGN = Question(
    id="ddpm.design_betas",
    points=3,
    name="design_betas",
    reference=design_betas,
    equivalent_mutants={
        "alpha_bar = torch.linspace(first, last, T, dtype=torch.float64).sigmoid() → "
        "alpha_bar = torch.linspace(first, last, T).sigmoid()": (
            "single precision is within the tolerance, and a right answer"
        ),
        "log_snr = torch.linspace(first, last, T, dtype=torch.float64) → "
        "log_snr = torch.linspace(first, last, T)": (
            "single precision is within the tolerance, and a right answer"
        ),
        "before = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar[:-1]]) → "
        "before = torch.cat([torch.ones(1), alpha_bar[:-1]])": "1 is exact in every precision",
    },
    cases=_design_cases,
    alternatives=(_design_loop, _design_numpy),
    misconceptions=(
        Misconception(
            "one minus alpha-bar",
            _design_with(lambda λ: 1 - λ.sigmoid()),
            "You returned 1 − ᾱ_t, the noise variance of the whole jump. β_t belongs to one step: "
            "α_t = ᾱ_t / ᾱ_{t−1}, with ᾱ_0 = 1.",
        ),
        Misconception(
            "amplitudes",
            _design_with(lambda λ: _steps_of((λ / 2).sigmoid())),
            "Your signal-to-noise ratio is √ of what was asked: λ is the logarithm of a²/b², the "
            "squares, so ᾱ = 1 / (1 + e^{−λ}) without a half.",
        ),
        Misconception(
            "amplitude for power",
            _design_with(lambda λ: _steps_of(λ.sigmoid().sqrt())),
            "You built the β from a_t = √ᾱ_t. The α multiply up to ᾱ_t, which is a_t².",
        ),
        Misconception(
            "straight in the ratio",
            _design_with(
                lambda λ: _steps_of(
                    (r := torch.linspace(float(λ[0].exp()), float(λ[-1].exp()), len(λ)).double())
                    / (1 + r)
                )
            ),
            "Your signal-to-noise ratio itself falls on a straight line. Its *logarithm* should.",
        ),
        Misconception(
            "alpha for beta",
            _design_with(lambda λ: 1 - _steps_of(λ.sigmoid())),
            "These are the α_t. The question asks for β_t = 1 − α_t.",
        ),
        Misconception(
            "alpha-bar itself",
            _design_with(lambda λ: λ.sigmoid()),
            "These are the ᾱ_t, which is half of the way. α_t is the ratio of two neighbours, "
            "ᾱ_t / ᾱ_{t−1}, and β_t = 1 − α_t.",
        ),
        Misconception(
            "one beta too few",
            _design_with(lambda λ: 1 - λ.sigmoid()[1:] / λ.sigmoid()[:-1]),
            "You return T − 1 values: β_1 is missing. It leads from ᾱ_0 = 1 to ᾱ_1; put ᾱ_0 in "
            "front before you divide neighbours.",
        ),
        Misconception(
            "nothing happens in the first step",
            _design_with(lambda λ: _steps_of(λ.sigmoid()) * (torch.arange(len(λ)) > 0)),
            "Your β_1 is 0, as if ᾱ_0 were ᾱ_1. Before the first step there is no noise: ᾱ_0 = 1.",
        ),
    ),
)


# --- 8. Train a network --------------------------------------------------------------------------

# The data are a mixture, so the best predictor is known. What is scored is the square distance from
# it: the loss without its floor, which is the larger part and would only add noise to the value.

_TRIED = 4096  # points on which a network is tried
_BOUND = 0.05

Batch = tuple[Tensor, Tensor, Tensor]  # x0, t, eps
Task = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
"""What a batch is made into for a network: its input, the times it is told, and its target."""


@cache
def _plane() -> tuple[GaussianMixture, NoiseSchedule]:
    return toy2d.eight_gaussians().to(torch.float32), NoiseSchedule.cosine(100)


def _batch(n: int, generator: torch.Generator) -> Batch:
    mixture, schedule = _plane()
    t = torch.randint(1, schedule.T + 1, (n,), generator=generator)
    x0 = mixture.sample(n, generator)
    return x0, t, torch.randn(n, 2, generator=generator)


def _noised(x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    return q_sample(_plane()[1], x0, t, eps)


def _expected(what: str, xt: Tensor, t: Tensor) -> Tensor:
    """E[eps | x_t], E[x_0 | x_t] or E[v | x_t]: what a perfect network says."""
    mixture, schedule = _plane()
    a, b = schedule.rates(t, xt[:, 0])
    if what == "eps":
        return mixture.eps(xt, a, b)
    x0 = mixture.posterior_mean(xt, a, b)
    return (
        x0 if what == "x0" else schedule.a(t, xt) * mixture.eps(xt, a, b) - schedule.b(t, xt) * x0
    )


def _train(task: Task, steps: int = 2000, batch: int = 256, rate: float = 3e-3) -> nn.Module:
    """Train for a task; its target may be the drawn one or, with less noise, the expected one."""
    network = MLP()
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    generator = _generator(int(torch.randint(2**31, ())))
    for _ in range(steps):
        xt, t, target = task(*_batch(batch, generator))
        loss = (network(xt, t) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def _told(time: Callable[[Tensor], Tensor]) -> Task:
    """As it should be, but the network is told another time."""
    return lambda x0, t, eps: (_noised(x0, t, eps), time(t), eps)


def _right(x0: Tensor, t: Tensor, eps: Tensor) -> Batch:
    return _noised(x0, t, eps), t, eps


def _predicts_x0(x0: Tensor, t: Tensor, eps: Tensor) -> Batch:
    return _noised(x0, t, eps), t, x0


def _predicts_v(x0: Tensor, t: Tensor, eps: Tensor) -> Batch:
    schedule = _plane()[1]
    return _noised(x0, t, eps), t, schedule.a(t, x0) * eps - schedule.b(t, x0) * x0


def _variance_for_deviation(x0: Tensor, t: Tensor, eps: Tensor) -> Batch:
    schedule = _plane()[1]
    return schedule.a(t, x0) * x0 + schedule.b(t, x0) ** 2 * eps, t, eps


def _wrong_noise(xt: Tensor, t: Tensor) -> Tensor:
    """E[eps | x] where the noise was multiplied with its variance."""
    mixture, schedule = _plane()
    a, b = schedule.rates(t, xt[:, 0])
    return mixture.eps(xt, a, b**2)


def _early_only(x0: Tensor, t: Tensor, eps: Tensor) -> Batch:
    t = (t + 1) // 2
    return _noised(x0, t, eps), t, eps


def train() -> nn.Module:
    return _train(_right)


def _train_longer() -> nn.Module:
    """Another optimiser, larger batches, a learning rate that falls, times in strata."""
    mixture, schedule = _plane()
    network, steps = MLP(), 1500
    optimiser = torch.optim.AdamW(network.parameters(), lr=4e-3, weight_decay=1e-4)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        x0 = mixture.sample(400)
        t, eps = torch.arange(400) % schedule.T + 1, torch.randn(400, 2)
        loss = nn.functional.mse_loss(network(_noised(x0, t, eps), t), eps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay.step()
    return network


def _train_on_a_data_set() -> nn.Module:
    """20 000 points, epoch by epoch, in float64; what counts is that the weights are right."""
    data, network, schedule = toy2d.sample("eight_gaussians", 20_000).double(), MLP(), _plane()[1]
    network.double()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(25):
        for x0 in data[torch.randperm(len(data))].split(250):
            t, eps = torch.randint(1, schedule.T + 1, (len(x0),)), torch.randn_like(x0)
            a, b = schedule.a(t, x0), schedule.b(t, x0)
            loss = (eps - network(a * x0 + b * eps, t)).pow(2).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network


def _excess(network: nn.Module, seed: int) -> tuple[Tensor, Tensor]:
    """Square distance from the best predictor at each of the hidden points, and their times."""
    xt, t, _ = _right(*_batch(_TRIED, _generator(seed)))
    return (network(xt, t) - _expected("eps", xt, t)).square().mean(1), t


def _score(network: nn.Module, seed: int) -> tuple[float, float]:
    excess, _ = _excess(network, seed)
    return float(excess.mean()), float(excess.std()) / _TRIED**0.5


@cache
def _without_time() -> Callable[[Tensor], Tensor]:
    """E[eps | x] for someone who is not told the time, any of 1..T."""
    mixture, schedule = _plane()
    levels = [(float(schedule.a(t)), float(schedule.b(t))) for t in range(1, schedule.T + 1)]

    def best(x: Tensor) -> Tensor:
        logs = torch.stack([mixture.at(a, b).log_prob(x) for a, b in levels])
        guesses = torch.stack([mixture.eps(x, a, b) for a, b in levels])
        return (logs.softmax(0)[..., None] * guesses).sum(0)

    return best


def _excesses_elsewhere(network: nn.Module, seed: int) -> dict[str, float]:
    """How far the network is from doing perfectly what was not asked, one entry a mistake."""
    schedule = _plane()[1]
    x0, t, eps = _batch(_TRIED, _generator(seed))
    xt = _noised(x0, t, eps)
    wrong, _, _ = _variance_for_deviation(x0, t, eps)
    best, blind = _expected("eps", xt, t), _without_time()(xt)
    told = [t, *(torch.full_like(t, time) for time in (0, 1, schedule.T))]

    def apart(output: Tensor, target: Tensor) -> float:
        return float((output - target).square().mean())

    return {
        "image for noise": apart(network(xt, t), _expected("x0", xt, t)),
        "v for noise": apart(network(xt, t), _expected("v", xt, t)),
        "no time": min(apart(network(xt, times), blind) for times in told),
        "time as a fraction": apart(network(xt, t / schedule.T), best),
        "variance for standard deviation": apart(network(wrong, t), _wrong_noise(wrong, t)),
    }


def _diagnose(network: nn.Module, seed: int) -> tuple[str, str]:
    """The excess by thirds of the time, and the mistake that explains the network.

    A mistake explains a network that does the wrong thing well: within the bound, and three times
    nearer to it than to what was asked. So a network that is short of training has no mistake.
    """
    T = _plane()[1].T
    excess, t = _excess(network, seed)
    thirds = [float(excess[(t - 1) * 3 // T == third].mean()) for third in range(3)]
    detail = "by noise: little {:.2g}, middle {:.2g}, much {:.2g}".format(*thirds)
    asked = float(excess.mean())
    elsewhere = _excesses_elsewhere(network, seed)
    limit = min(_BOUND, asked / 3)
    found = min(elsewhere, key=elsewhere.__getitem__)
    if elsewhere[found] <= limit and found != "no time":
        return detail, found
    # Before "no time": told one of the times it has seen, such a network does not do badly.
    if sorted(thirds)[1] <= 1.5 * _BOUND and max(thirds) >= 4 * _BOUND:
        return detail, "not all times"
    if elsewhere["no time"] <= limit:
        return detail, "no time"
    xt, t, _ = _right(*_batch(_TRIED, _generator(seed)))
    silent = float(_expected("eps", xt, t).square().mean())
    if abs(asked / silent - 1) < 0.15 and float(network(xt, t).square().mean()) < silent / 4:
        return detail, "untrained"
    return detail, ""


TRAIN = Question(
    id="ddpm.train",
    points=3,
    name="train",
    reference=train,
    training=Training(
        build=MLP,
        score=_score,
        bound=_BOUND,
        quantity="excess loss",
        diagnose=_diagnose,
    ),
    alternatives=(_train_longer, _train_on_a_data_set),
    misconceptions=(
        Misconception(
            "image for noise",
            partial(_train, _predicts_x0),
            "Your network predicts the image x_0, and does it well. The question asks for the "
            "noise: the target is eps.",
        ),
        Misconception(
            "v for noise",
            partial(_train, _predicts_v),
            "Your network predicts v = a eps − b x_0, and does it well. The question asks for the "
            "noise: the target is eps.",
        ),
        Misconception(
            "no time",
            partial(_train, _told(torch.zeros_like)),
            "Your network was not told the time, or a time that had nothing to do with the noise, "
            "and makes the best of it. Give it the t of each point: `network(xt, t)`.",
        ),
        Misconception(
            "time as a fraction",
            partial(_train, _told(lambda t: t / 100)),
            "Your network was told t / T. Give it t itself, in steps from 1 to T: its embedding "
            "turns by one radian a step, and samplers will call it with steps.",
        ),
        Misconception(
            "variance for standard deviation",
            partial(_train, _variance_for_deviation),
            "Your network was trained on points whose noise was multiplied with 1 − ᾱ_t, its "
            "variance. The noise of x_t has the standard deviation √(1 − ᾱ_t).",
        ),
        Misconception(
            "untrained",
            lambda: _train(_right, steps=0),
            "Your network is about as good as one that always answers 0. Was it trained? Look for "
            "`loss.backward()`, `optimiser.step()`, and whether the network that you return is "
            "the one whose parameters the optimiser has.",
        ),
        Misconception(
            "not all times",
            partial(_train, _early_only),
            "At some noise levels your network is good, at others it has learned nothing. Draw t "
            "anew for each point, and from all of 1 to T.",
        ),
    ),
)


QUESTIONS = [
    BY_HAND,
    ALPHA_BARS,
    Q_SAMPLE,
    Q_POSTERIOR,
    STEP,
    EPS_ERROR,
    DESIGN,
    TRAIN,
    Question(id="ddpm.explain", points=2, name="explain", manual=True),
]
