"""The questions of the exercise sheet on denoising diffusion implicit models."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from genbook.checks import Case, Misconception, Question
from genbook.schedules import NoiseSchedule

__all__ = ["QUESTIONS"]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _schedules(seed: int) -> list[NoiseSchedule]:
    """Two schedules that are known by name, and one drawn at random."""
    betas = 0.02 + 0.3 * torch.rand(9, generator=_generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule.cosine(12), NoiseSchedule(betas)]


def _bar(schedule: NoiseSchedule, t: int) -> float:
    return float(schedule.alpha_bars[t])


# --- 1. By hand ----------------------------------------------------------------------------------


def by_hand() -> tuple[float, float, float]:
    a_t, b_t, a_s, b_s = 0.6, 0.8, 0.8, 0.6
    x0 = (1.0 - b_t * 0.2) / a_t
    return x0, a_s * x0 + b_s * 0.2, b_s / b_t * math.sqrt(1 - 0.36 / 0.64)


def _by_hand_euler() -> list[float]:
    """In x / a and b / a, as Euler's method sees it."""
    slope, rho_t, rho_s = 0.2, 4 / 3, 3 / 4
    scaled = 1.0 / 0.6
    return [scaled - rho_t * slope, 0.8 * (scaled + (rho_s - rho_t) * slope), 0.1875 * math.sqrt(7)]


def _by_hand_numpy() -> np.ndarray:
    bars = np.array([0.36, 0.64])
    (a_t, a_s), (b_t, b_s) = np.sqrt(bars), np.sqrt(1 - bars)
    x0 = (1 - 0.2 * b_t) / a_t
    return np.array([x0, a_s * x0 + b_s * 0.2, b_s / b_t * np.sqrt(1 - bars[0] / bars[1])])


BY_HAND = Question(
    id="ddim.by_hand",
    points=2,
    name="by_hand",
    reference=by_hand,
    cases=lambda seed: [Case(label="the three numbers")],
    alternatives=(_by_hand_euler, _by_hand_numpy),
    misconceptions=(
        Misconception(
            "alpha-bar without roots",
            lambda: (0.872 / 0.36, 0.64 * 0.872 / 0.36 + 0.36 * 0.2, 0.75 * math.sqrt(0.4375)),
            "You mixed signal and noise with ᾱ and 1 − ᾱ. These are variances: the rates are "
            "a = √ᾱ and b = √(1 − ᾱ).",
        ),
        Misconception(
            "variance for sigma",
            lambda: (1.4, 1.24, 0.5625 * 0.4375),
            "Your third number is σ². The question asks for σ, the standard deviation of the "
            "fresh noise.",
        ),
        Misconception(
            "the larger variance",
            lambda: (1.4, 1.24, math.sqrt(0.4375)),
            "Your σ is σ̂ = √(1 − ᾱ_t / ᾱ_s), the noise of the jump forward. The posterior knows "
            "x_0 as well and is narrower by the factor b_s / b_t.",
        ),
        Misconception(
            "direction with b_t",
            lambda: (1.4, 0.8 * 1.4 + 0.8 * 0.2, 0.75 * math.sqrt(0.4375)),
            "The direction term of your x_s has the noise rate of t. You are building a state at "
            "time s: it carries b_s of noise.",
        ),
        Misconception(
            "predicted x_0 without the division",
            lambda: (0.84, 0.8 * 0.84 + 0.6 * 0.2, 0.75 * math.sqrt(0.4375)),
            "Your x̂_0 is x_t − b_t eps. That is a_t x̂_0: divide by a_t.",
        ),
    ),
)


# --- 2. The times to visit -----------------------------------------------------------------------


def timesteps(T: int, steps: int, spacing: str = "linear") -> list[int]:
    power = {"linear": 1, "quadratic": 2}[spacing]
    return [round(T * (i / steps) ** power) for i in range(steps, -1, -1)]


def _timesteps_torch(T: int, steps: int, spacing: str = "linear") -> Tensor:
    line = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    return (T * (line if spacing == "linear" else line**2)).round().long()


def _timesteps_integers(T: int, steps: int, spacing: str = "linear") -> list[int]:
    up, down = (1, steps) if spacing == "linear" else (2, steps**2)
    return [(2 * T * i**up + down) // (2 * down) for i in range(steps + 1)][::-1]


def _timesteps_numpy(T: int, steps: int, spacing: str = "linear") -> np.ndarray:
    roots = np.linspace(0, T if spacing == "linear" else math.sqrt(T), steps + 1)
    return np.rint(roots if spacing == "linear" else roots**2).astype(int)[::-1]


def _timesteps_cases(seed: int) -> list[Case]:
    # An odd number of steps: then no time lies half-way between two integers, where ways of
    # rounding differ.
    odd = 5 + 2 * (seed % 5)
    return [
        Case((1000, 10), label="ten steps of a thousand"),
        Case((1000, 10, "quadratic"), label="ten steps, quadratic"),
        Case((100 + seed, odd), label="times that need rounding"),
        Case((400 + seed, odd, "quadratic"), label="quadratic, with rounding"),
        Case((8, 8), label="every time"),
        Case((50, 1), label="a single step"),
    ]


def _times_with(power: Callable[[str], float]) -> Callable[..., list[int]]:
    def wrong(T: int, steps: int, spacing: str = "linear") -> list[int]:
        return [round(T * (i / steps) ** power(spacing)) for i in range(steps, -1, -1)]

    return wrong


def _linspace_times(T: int, steps: int, spacing: str = "linear") -> list[int]:
    line = np.linspace(1, 0, steps)
    return [round(T * x) for x in (line if spacing == "linear" else line**2)]


TIMESTEPS = Question(
    id="ddim.timesteps",
    points=2,
    name="timesteps",
    reference=timesteps,
    cases=_timesteps_cases,
    alternatives=(_timesteps_torch, _timesteps_integers, _timesteps_numpy),
    misconceptions=(
        Misconception(
            "stops before 0",
            lambda T, steps, spacing="linear": timesteps(T, steps, spacing)[:-1],
            "Your last time is not 0. The image is x_0: a sampler that stops earlier returns it "
            "with noise on it. You need steps + 1 times for so many jumps.",
        ),
        Misconception(
            "stops at t = 1",
            lambda T, steps, spacing="linear": [max(t, 1) for t in timesteps(T, steps, spacing)],
            "Your last time is 1, the first *noisy* time. One jump is missing: to t = 0.",
        ),
        Misconception(
            "one time too few",
            _linspace_times,
            "You spread `steps` times over the interval. Jumps are the gaps between times, so so "
            "many jumps need steps + 1 times (the fence and its posts).",
        ),
        Misconception(
            "ascending",
            lambda T, steps, spacing="linear": timesteps(T, steps, spacing)[::-1],
            "Your times ascend. Sampling starts from noise at T and comes down to the data at 0.",
        ),
        Misconception(
            "zero-based",
            lambda T, steps, spacing="linear": [
                max(t - 1, 0) for t in timesteps(T, steps, spacing)
            ],
            "Your times start at T − 1, as indices that count the noise levels from zero do. In "
            "this book t = T is pure noise, t = 0 is the image, and the index is the time.",
        ),
        Misconception(
            "dense near the noise",
            _times_with(lambda spacing: 1.0 if spacing == "linear" else 0.5),
            "Your quadratic times crowd near T. They should be squares, which crowd near 0, where "
            "the details of the image are decided.",
        ),
    ),
)


# --- 3. One step ---------------------------------------------------------------------------------


def step(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: int,
    s: int,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    (a_t, b_t), (a_s, b_s) = [(schedule.a(i), schedule.b(i)) for i in (t, s)]
    sigma = eta * b_s / b_t * math.sqrt(1 - (a_t / a_s) ** 2)
    x0 = (xt - b_t * eps) / a_t
    xs = a_s * x0 + math.sqrt(b_s**2 - sigma**2) * eps
    return xs if noise is None else xs + sigma * noise


def _step_float64(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: int,
    s: int,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    now, then = schedule.alpha_bars[t], schedule.alpha_bars[s]
    x0 = (xt.double() - (1 - now).sqrt() * eps.double()) / now.sqrt()
    variance = eta**2 * (1 - then) / (1 - now) * (1 - now / then)
    fresh = 0 if noise is None else variance.sqrt() * noise
    return then.sqrt() * x0 + (1 - then - variance).sqrt() * eps + fresh


def _step_loop(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: int,
    s: int,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    """The family's mean k x_t + m x̂_0, sample by sample, with α as a product over the jump."""
    alpha = math.prod(schedule.alphas[s + 1 : t + 1].tolist())
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    sigma = eta * b_s / b_t * math.sqrt(1 - alpha)
    k = math.sqrt(b_s**2 - sigma**2) / b_t
    rows = [k * x + (a_s - k * a_t) * (x - b_t * e) / a_t for x, e in zip(xt, eps, strict=True)]
    out = torch.stack(rows)
    return out if noise is None else out + sigma * noise


def _step_with(
    change: Callable[..., tuple[float, float | complex, float]],
) -> Callable[..., Tensor]:
    """A wrong step: `change` gives the factors of x̂_0, eps and noise.

    Its arguments are a_t, b_t, a_s, b_s, η and α_t.
    """

    def wrong(
        schedule: NoiseSchedule,
        xt: Tensor,
        eps: Tensor,
        t: int,
        s: int,
        eta: float = 0.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
        signal, direction, fresh = change(a_t, b_t, a_s, b_s, eta, float(schedule.alphas[t]))
        x0 = (xt - b_t * eps) / a_t
        xs = signal * x0 + direction * eps
        return xs if noise is None else xs + fresh * noise

    return wrong


def _root(x: float) -> float:
    return math.sqrt(max(x, 0.0))


def _right_sigma(a_t: float, b_t: float, a_s: float, b_s: float, eta: float) -> float:
    return eta * b_s / b_t * math.sqrt(1 - (a_t / a_s) ** 2)


def _with_sigma(sigma: Callable[..., float]) -> Callable[..., tuple[float, float, float]]:
    """The three factors when only σ is wrong."""

    def factors(
        a_t: float, b_t: float, a_s: float, b_s: float, eta: float, alpha: float
    ) -> tuple[float, float, float]:
        wrong = sigma(a_t, b_t, a_s, b_s, eta, alpha)
        return a_s, _root(b_s**2 - wrong**2), wrong

    return factors


def _larger_sigma(
    root: Callable[[float], float | complex],
) -> Callable[..., tuple[float, float | complex, float]]:
    """The factors with σ̂ for σ. b_s² − σ̂² can be negative, and roots differ in what they do."""

    def factors(
        a_t: float, b_t: float, a_s: float, b_s: float, eta: float, alpha: float
    ) -> tuple[float, float | complex, float]:
        sigma = eta * math.sqrt(1 - (a_t / a_s) ** 2)
        return a_s, root(b_s**2 - sigma**2), sigma

    return factors


_ROOTS: dict[str, Callable[[float], float | complex]] = {
    "": math.sqrt,
    ", NaN": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    ", complex": lambda x: x**0.5,
    ", clamped": _root,
}


def _noise_as_prediction(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: int,
    s: int,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    a_t, b_t, a_s, b_s = schedule.a(t), schedule.b(t), schedule.a(s), schedule.b(s)
    xs = a_s * (xt - b_t * eps) / a_t
    return xs + b_s * (eps if noise is None else noise)


def _not_divided(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: int,
    s: int,
    eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:
    a_t = schedule.a(t)
    b_t = schedule.b(t)
    return step(schedule, a_t * xt + (1 - a_t) * b_t * eps, eps, t, s, eta, noise)


def _step_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    linear, cosine, random = _schedules(seed)
    images = [torch.randn(3, 1, 4, 4, generator=g) for _ in range(3)]
    vectors = [torch.randn(5, 2, generator=g, dtype=torch.float64) for _ in range(3)]
    eta = 0.2 + 0.6 * float(torch.rand((), generator=g))
    return [
        Case((linear, *images[:2], 16, 7), label="η = 0"),
        Case((linear, *images[:2], 16, 7, 1.0, images[2]), label="η = 1, a long jump"),
        Case((cosine, *vectors[:2], 9, 3, eta, vectors[2]), label="η in between"),
        Case((random, *images[:2], 6, 5, 1.0, images[2]), label="η = 1, one step"),
        Case((random, *vectors[:2], 4, 0, 1.0, vectors[2]), label="the last jump, to t = 0"),
        Case((linear, *vectors[:2], 20, 10, 0.0), label="from t = T"),
    ]


STEP = Question(
    id="ddim.step",
    points=3,
    name="step",
    reference=step,
    cases=_step_cases,
    alternatives=(_step_float64, _step_loop),
    misconceptions=(
        Misconception(
            "variance of a single step",
            _step_with(
                _with_sigma(lambda a_t, b_t, a_s, b_s, η, α: η * b_s / b_t * math.sqrt(1 - α))
            ),
            "Your σ uses 1 − α_t, the noise of the one step from t − 1 to t. The jump from s to t "
            "passes all the α in between: use 1 − ᾱ_t / ᾱ_s.",
        ),
        Misconception(
            "direction without sigma",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (a_s, b_s, _right_sigma(a_t, b_t, a_s, b_s, η))
            ),
            "Your direction term is b_s eps, whatever σ is. Fresh noise has to replace old noise: "
            "with √(b_s² − σ²) the two variances add up to b_s².",
        ),
        Misconception(
            "sigma not squared in the direction",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    a_s,
                    _root(b_s**2 - _right_sigma(a_t, b_t, a_s, b_s, η)),
                    _right_sigma(a_t, b_t, a_s, b_s, η),
                )
            ),
            "Your direction term is √(b_s² − σ). Variances are subtracted: √(b_s² − σ²).",
        ),
        Misconception(
            "variance for sigma",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    a_s,
                    _root(b_s**2 - _right_sigma(a_t, b_t, a_s, b_s, η) ** 2),
                    _right_sigma(a_t, b_t, a_s, b_s, η) ** 2,
                )
            ),
            "You multiply the fresh noise with σ², its variance. The factor is σ.",
        ),
        Misconception(
            "the larger variance",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    a_s,
                    _root(b_s**2 - _right_sigma(a_t, b_t, a_s, b_s, η) ** 2),
                    η * math.sqrt(1 - (a_t / a_s) ** 2),
                )
            ),
            "Your fresh noise has σ̂ = √(1 − ᾱ_t / ᾱ_s). The member of the family has the factor "
            "b_s / b_t in front; without it the marginal at s is too wide, and the last jump "
            "leaves noise on the image.",
        ),
        *(
            Misconception(
                "the larger variance throughout" + how,
                _step_with(_larger_sigma(root)),
                "Your σ is σ̂ = √(1 − ᾱ_t / ᾱ_s), which can be more than all the noise at s, so "
                "that b_s² − σ² becomes negative. The σ of the family has b_s / b_t in front.",
            )
            for how, root in _ROOTS.items()
        ),
        Misconception(
            "difference of standard deviations",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    a_s,
                    b_s - _right_sigma(a_t, b_t, a_s, b_s, η),
                    _right_sigma(a_t, b_t, a_s, b_s, η),
                )
            ),
            "Your direction term is b_s − σ. Standard deviations do not add up, variances do: "
            "√(b_s² − σ²).",
        ),
        Misconception(
            "always eta = 1",
            _step_with(
                _with_sigma(lambda a_t, b_t, a_s, b_s, η, α: _right_sigma(a_t, b_t, a_s, b_s, 1.0))
            ),
            "Your σ is the one of η = 1, whatever `eta` says. Multiply it with η.",
        ),
        Misconception(
            "always eta = 0",
            _step_with(lambda a_t, b_t, a_s, b_s, η, α: (a_s, b_s, 0.0)),
            "Your step is right for η = 0, and it ignores `eta` and `noise` otherwise: σ is "
            "missing, under the root and before the fresh noise.",
        ),
        Misconception(
            "eta squared",
            _step_with(
                _with_sigma(lambda a_t, b_t, a_s, b_s, η, α: _right_sigma(a_t, b_t, a_s, b_s, η**2))
            ),
            "Your σ has η². η multiplies the standard deviation σ itself; only the variance σ² "
            "gets the square.",
        ),
        Misconception(
            "eta on the variance",
            _step_with(
                _with_sigma(
                    lambda a_t, b_t, a_s, b_s, η, α: (
                        math.sqrt(η) * _right_sigma(a_t, b_t, a_s, b_s, 1.0)
                    )
                )
            ),
            "You scaled the variance with η. η multiplies the standard deviation, so the variance "
            "gets η².",
        ),
        Misconception(
            "direction with b_t",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    a_s,
                    _root(b_t**2 - _right_sigma(a_t, b_t, a_s, b_s, η) ** 2),
                    _right_sigma(a_t, b_t, a_s, b_s, η),
                )
            ),
            "Your direction term keeps the noise of time t. The new state belongs to time s, so "
            "the variances of its noise add up to b_s².",
        ),
        Misconception(
            "predicted x_0 not rescaled",
            _step_with(
                lambda a_t, b_t, a_s, b_s, η, α: (
                    1.0,
                    _root(b_s**2 - _right_sigma(a_t, b_t, a_s, b_s, η) ** 2),
                    _right_sigma(a_t, b_t, a_s, b_s, η),
                )
            ),
            "You put the predicted x_0 into x_s at full strength. At time s the image is still "
            "faded: multiply it with a_s.",
        ),
        Misconception(
            "x_t minus the noise as x_0",
            _not_divided,
            "Your predicted x_0 is x_t − b_t eps. This is the faded image a_t x_0: divide by a_t.",
        ),
        Misconception(
            "all noise fresh",
            _noise_as_prediction,
            "You noised the predicted x_0 afresh. That is the other end of the dial, σ = b_s: it "
            "keeps the marginals, but at η < 1 most of the noise should be the old one, eps.",
        ),
    ),
)


# --- 4. On the sphere ----------------------------------------------------------------------------


def slerp(u: Tensor, v: Tensor, w: float) -> Tensor:
    p, q = u.flatten(1), v.flatten(1)
    cosine = (p * q).sum(1) / (p.norm(dim=1) * q.norm(dim=1))
    angle = torch.acos(cosine).reshape(-1, *[1] * (u.ndim - 1))
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)


def _slerp_loop(u: Tensor, v: Tensor, w: float) -> np.ndarray:
    rows = []
    for p, q in zip(u.double().numpy(), v.double().numpy(), strict=True):
        cosine = np.vdot(p, q) / math.sqrt(np.vdot(p, p) * np.vdot(q, q))
        angle = math.acos(cosine)
        rows.append((math.sin((1 - w) * angle) * p + math.sin(w * angle) * q) / math.sin(angle))
    return np.stack(rows)


def _slerp_rotation(u: Tensor, v: Tensor, w: float) -> Tensor:
    """With coordinates in the plane of u and v: the sum formula for sin((1 − w) θ)."""
    p, q = u.double().flatten(1), v.double().flatten(1)
    unit, other = p / p.norm(dim=1, keepdim=True), q / q.norm(dim=1, keepdim=True)
    across = other - (other * unit).sum(1, keepdim=True) * unit
    angle = torch.atan2(across.norm(dim=1, keepdim=True), (other * unit).sum(1, keepdim=True))
    turn = w * angle
    return ((turn.cos() - turn.sin() / angle.tan()) * p + turn.sin() / angle.sin() * q).reshape(
        u.shape
    )


def _slerp_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    images = torch.randn(2, 3, 1, 8, 8, generator=g)
    w = 0.15 + 0.3 * float(torch.rand((), generator=g))
    # Angles well away from 0, where the formula loses digits, and lengths that differ.
    plane = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[0.0, 1.0], [-1.0, -0.8]])
    return [
        Case((*plane, 0.5), label="two pairs in the plane, half-way"),
        Case((*images, w), label="noise images"),
        Case((*images.double(), 0.9), label="nearly there"),
        Case((*images, 0.0), label="w = 0"),
        Case((*images, 1.0), label="w = 1"),
    ]


def _one_angle(u: Tensor, v: Tensor, w: float) -> Tensor:
    angle = torch.acos((u * v).sum() / (u.norm() * v.norm()))
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)


def _renormalised(u: Tensor, v: Tensor, w: float) -> Tensor:
    p, q = u.flatten(1), v.flatten(1)
    straight = (1 - w) * p + w * q
    length = (1 - w) * p.norm(dim=1, keepdim=True) + w * q.norm(dim=1, keepdim=True)
    return (straight * length / straight.norm(dim=1, keepdim=True)).reshape(u.shape)


def _angle_of_raw(u: Tensor, v: Tensor, w: float) -> Tensor:
    axes = tuple(range(1, u.ndim))
    angle = torch.acos((u * v).sum(axes, keepdim=True))
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)


def _angle_of_raw_clamped(u: Tensor, v: Tensor, w: float) -> Tensor:
    axes = tuple(range(1, u.ndim))
    angle = torch.acos((u * v).sum(axes, keepdim=True).clamp(-1, 1))
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)


def _last_axis(u: Tensor, v: Tensor, w: float) -> Tensor:
    lengths = u.norm(dim=-1, keepdim=True) * v.norm(dim=-1, keepdim=True)
    angle = torch.acos((u * v).sum(-1, keepdim=True) / lengths)
    return (torch.sin((1 - w) * angle) * u + torch.sin(w * angle) * v) / torch.sin(angle)


def _unit_length(u: Tensor, v: Tensor, w: float) -> Tensor:
    p, q = u.flatten(1), v.flatten(1)
    p, q = p / p.norm(dim=1, keepdim=True), q / q.norm(dim=1, keepdim=True)
    return slerp(p, q, w).reshape(u.shape)


def _undivided(u: Tensor, v: Tensor, w: float) -> Tensor:
    p, q = u.flatten(1), v.flatten(1)
    cosine = (p * q).sum(1, keepdim=True) / (p.norm(dim=1) * q.norm(dim=1))[:, None]
    angle = torch.acos(cosine)
    return (torch.sin((1 - w) * angle) * p + torch.sin(w * angle) * q).reshape(u.shape)


SLERP = Question(
    id="ddim.slerp",
    points=2,
    name="slerp",
    reference=slerp,
    cases=_slerp_cases,
    alternatives=(_slerp_loop, _slerp_rotation),
    rtol=1e-3,
    atol=1e-4,
    misconceptions=(
        Misconception(
            "lerp",
            lambda u, v, w: (1 - w) * u + w * v,
            "This is the straight line. Its middle is shorter than both ends, and the network "
            "never saw noise that short: follow the arc.",
        ),
        Misconception(
            "straight line, stretched",
            _renormalised,
            "You walked the straight line and corrected the length. Points and lengths are near, "
            "but the angle does not grow evenly with w; use sin((1 − w) θ) and sin(w θ).",
        ),
        Misconception(
            "weights swapped",
            lambda u, v, w: slerp(v, u, w),
            "At w = 0 you return v. The path should start at u and end at v.",
        ),
        Misconception(
            "one angle for the batch",
            _one_angle,
            "You took one angle for the whole batch. Each pair of samples has its own: sum over "
            "all axes but the first.",
        ),
        Misconception(
            "angle of vectors that were not normalised",
            _angle_of_raw,
            "The arc cosine of u · v is an angle only for vectors of length 1 (and NaN for most "
            "others): divide by both lengths first.",
        ),
        Misconception(
            "angle of vectors that were not normalised, clamped",
            _angle_of_raw_clamped,
            "You clamped u · v into [−1, 1]. It left that range because u and v do not have length "
            "1: divide by both lengths instead.",
        ),
        Misconception(
            "last axis only",
            _last_axis,
            "You summed over the last axis only, so that every row of an image got an angle of "
            "its own. A sample is one vector: sum over all axes but the first.",
        ),
        Misconception(
            "unit length",
            _unit_length,
            "Your result has length 1. The lengths are divided out for the angle only; the arc "
            "goes from u itself to v itself.",
        ),
        Misconception(
            "not divided by sin θ",
            _undivided,
            "At w = 0 you return u sin θ. Divide by sin θ, so that the ends are u and v.",
        ),
    ),
)


# --- 5. Repair a sampler -------------------------------------------------------------------------


@dataclass(frozen=True)
class GaussianNoise:
    """The exact prediction E[eps | x_t] for data from N(mean, spread²), in place of a network."""

    schedule: NoiseSchedule
    mean: float
    spread: float

    def __call__(self, x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        a, b = self.schedule.a(t, x), self.schedule.b(t, x)
        return b * (x - a * self.mean) / (a**2 * self.spread**2 + b**2)


Model = Callable[[Tensor, int], Tensor]


def sample(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
    times = [round(schedule.T * i / steps) for i in range(steps, -1, -1)]
    x = xT
    for t, s in pairwise(times):
        eps = model(x, t)
        x0 = (x - schedule.b(t) * eps) / schedule.a(t)
        x = schedule.a(s) * x0 + schedule.b(s) * eps
    return x


def _sample_euler(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
    times = [round(schedule.T * i / steps) for i in range(steps, -1, -1)]
    rho = [schedule.b(t) / schedule.a(t) for t in times]
    scaled = xT / schedule.a(times[0])
    for i, t in enumerate(times[:-1]):
        scaled = scaled + (rho[i + 1] - rho[i]) * model(schedule.a(t) * scaled, t)
    return scaled


def _sample_recursive(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
    def down(x: Tensor, i: int) -> Tensor:
        if i == 0:
            return x
        t, s = (round(schedule.T * j / steps) for j in (i, i - 1))
        return down(step(schedule, x, model(x, t), t, s), i - 1)

    return down(xT.double(), steps)


def _sample_with(stop: int, ask: Callable[[int, int], int]) -> Callable[..., Tensor]:
    """A wrong sampler: it leaves out the last `stop` times, and asks the model at `ask(t, s)`."""

    def wrong(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
        times = [round(schedule.T * i / steps) for i in range(steps, stop - 1, -1)]
        x = xT
        for t, s in pairwise(times):
            x = step(schedule, x, model(x, ask(t, s)), t, s)
        return x

    return wrong


def _eps_of_time_t_kept(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
    times = [round(schedule.T * i / steps) for i in range(steps, -1, -1)]
    x = xT
    for t, s in pairwise(times):
        eps = model(x, t)
        x = schedule.a(s) * (x - schedule.b(t) * eps) / schedule.a(t) + schedule.b(t) * eps
    return x


def _sample_linspace(whole: Callable[[float], int]) -> Callable[..., Tensor]:
    """A wrong sampler: `steps` times, so one jump too few. `whole` rounds them."""

    def wrong(model: Model, schedule: NoiseSchedule, xT: Tensor, steps: int) -> Tensor:
        x = xT
        for t, s in pairwise(whole(time) for time in np.linspace(schedule.T, 0, steps).tolist()):
            x = step(schedule, x, model(x, t), t, s)
        return x

    return wrong


def _sample_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    linear, _, random = _schedules(seed)
    x = torch.randn(4, 2, generator=g)
    images = torch.randn(2, 1, 4, 4, generator=g, dtype=torch.float64)
    spread = 0.3 + float(torch.rand((), generator=g))
    return [
        Case((GaussianNoise(linear, 0.5, spread), linear, x, 5), label="five steps"),
        Case((GaussianNoise(random, -1.0, spread), random, images, 9), label="every step"),
        Case((GaussianNoise(linear, 0.0, 0.2), linear, images, 3), label="times that are rounded"),
        Case((GaussianNoise(linear, 0.3, 1.5), linear, x, 1), label="a single step"),
    ]


SAMPLE = Question(
    id="ddim.sample",
    points=3,
    name="sample",
    reference=sample,
    cases=_sample_cases,
    alternatives=(_sample_euler, _sample_recursive),
    misconceptions=(
        Misconception(
            "as given",
            _sample_with(1, lambda t, s: s),
            "Both mistakes are still there. Print the times that are visited, and the time at "
            "which the network is asked.",
        ),
        Misconception(
            "never reaches 0",
            _sample_with(1, lambda t, s: t),
            "The network is asked at the right time now, but the last jump, to t = 0, is missing: "
            "what you return still has noise in it.",
        ),
        Misconception(
            "asked at the time it goes to",
            _sample_with(0, lambda t, s: s),
            "The times are right now, but the network is asked at s about a state of time t. It "
            "has to be told how much noise is in what it sees.",
        ),
        Misconception(
            "noise of time t kept",
            _eps_of_time_t_kept,
            "You put the noise back with b_t. The state that you build belongs to time s: b_s.",
        ),
        *(
            Misconception(
                name,
                _sample_linspace(whole),
                "You visit `steps` times, and so make one jump too few. Jumps are the gaps between "
                "times: so many jumps need steps + 1 times.",
            )
            for name, whole in (("one jump too few", round), ("one jump too few, cut off", int))
        ),
    ),
)


# --- 6. Design: measure an order of convergence --------------------------------------------------


@dataclass(frozen=True)
class Sampler:
    """DDIM on Gaussian data, as a function of the number of steps alone.

    It holds results and not a sampler, because a sampler is what the question before asks for.
    """

    results: dict[int, Tensor]

    def __call__(self, steps: int) -> Tensor:
        return self.results[steps].clone()


def _solved(
    model: GaussianNoise, xT: Tensor, steps: list[int]
) -> tuple[Sampler, Tensor, list[int]]:
    """The arguments of a case: the sampler, where the differential equation leads, the steps."""
    schedule, mean, spread = model.schedule, model.mean, model.spread
    a, b = schedule.a(schedule.T), schedule.b(schedule.T)
    exact = mean + (xT - a * mean) * spread / math.sqrt(a**2 * spread**2 + b**2)
    return Sampler({n: sample(model, schedule, xT, n) for n in steps}), exact, steps


def order(sampler: Callable[[int], Tensor], exact: Tensor, steps: list[int]) -> float:
    errors = [float((sampler(n) - exact).square().mean().sqrt()) for n in steps]
    return -float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def _order_covariance(sampler: Callable[[int], Tensor], exact: Tensor, steps: list[int]) -> float:
    x = torch.tensor(steps).double().log()
    y = torch.tensor([math.log(float(((sampler(n) - exact) ** 2).mean())) / 2 for n in steps])
    return -float(((x - x.mean()) * y).sum() / ((x - x.mean()) * x).sum())


def _order_norms(sampler: Callable[[int], Tensor], exact: Tensor, steps: list[int]) -> Tensor:
    """With norms (a constant factor does not change a slope) and a general least-squares solver."""
    logs = torch.stack([torch.linalg.vector_norm(sampler(n) - exact).log() for n in steps])
    lines = torch.stack([torch.tensor(steps).double().log(), torch.ones(len(steps)).double()], 1)
    return -torch.linalg.lstsq(lines, logs.double()[:, None]).solution[0, 0]


def _order_with(
    error: Callable[[Tensor], Tensor],
    horizontal: Callable[[np.ndarray], np.ndarray] = np.log,
    vertical: Callable[[np.ndarray], np.ndarray] = np.log,
    sign: float = -1.0,
) -> Callable[..., float]:
    """A wrong measurement of the order."""

    def wrong(sampler: Callable[[int], Tensor], exact: Tensor, steps: list[int]) -> float:
        errors = np.array([float(error(sampler(n) - exact)) for n in steps])
        n = np.array(steps, dtype=float)
        return sign * float(np.polyfit(horizontal(n), vertical(errors), 1)[0])

    return wrong


def _rms(difference: Tensor) -> Tensor:
    return difference.square().mean().sqrt()


def _two_ends(sampler: Callable[[int], Tensor], exact: Tensor, steps: list[int]) -> float:
    first, last = (float(_rms(sampler(n) - exact)) for n in (steps[0], steps[-1]))
    return math.log(first / last) / math.log(steps[-1] / steps[0])


@dataclass(frozen=True)
class UnequalEntries:
    """A result of which one entry converges with order 1, and all others with order 2."""

    exact: Tensor

    def __call__(self, steps: int) -> Tensor:
        errors = torch.full_like(self.exact, 3 / steps**2)
        errors[0] = 1 / steps
        return self.exact + errors


def _order_cases(seed: int) -> list[Case]:
    g = _generator(seed)
    schedule = NoiseSchedule.linear(200, 5e-4, 0.1)
    spread = 0.4 + 0.4 * float(torch.rand((), generator=g))
    x = torch.randn(6, 2, generator=g, dtype=torch.float64)
    one, two = GaussianNoise(schedule, 0.0, spread), GaussianNoise(schedule, 1.0, 0.3)
    three = UnequalEntries(x[:, 0].contiguous())
    return [
        Case(_solved(one, x, [5, 10, 20, 40, 80]), label="doubling"),
        Case(_solved(two, x, [4, 10, 25, 100]), label="other steps, data off centre"),
        Case(_solved(one, x, [3, 7]), label="two points"),
        Case((three, three.exact, [2, 4, 8, 16]), label="some entries converge faster"),
    ]


ORDER = Question(
    id="ddim.order",
    points=3,
    name="order",
    reference=order,
    cases=_order_cases,
    alternatives=(_order_covariance, _order_norms),
    equivalent_mutants={
        "errors = [float((sampler(n) - exact).square().mean().sqrt()) for n in steps] → "
        "errors = [float((sampler(n) - exact).square().sum().sqrt()) for n in steps]": (
            "a constant factor moves the line and leaves its slope"
        ),
        "errors = [float((sampler(n) - exact).square().mean().sqrt()) for n in steps] → "
        "errors = [float((exact - sampler(n)).square().mean().sqrt()) for n in steps]": (
            "the differences are squared"
        ),
        "errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps] → "
        "errors = [(sampler(n) - exact).square().sum().sqrt().item() for n in steps]": (
            "a constant factor moves the line and leaves its slope"
        ),
        "errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps] → "
        "errors = [(exact - sampler(n)).square().mean().sqrt().item() for n in steps]": (
            "the differences are squared"
        ),
    },
    misconceptions=(
        Misconception(
            "the sign",
            _order_with(_rms, sign=1.0),
            "Your order is negative. The error behaves like n^(−p), so the slope in the log-log "
            "plot is −p; return p.",
        ),
        Misconception(
            "squared error",
            _order_with(lambda d: d.square().mean()),
            "Your order is twice too large: you fitted the mean *squared* error, which falls like "
            "n^(−2p). Take the root first.",
        ),
        Misconception(
            "largest error",
            _order_with(lambda d: d.abs().max()),
            "You fitted the largest error. It follows one entry; the question asks for the root "
            "mean square over all entries.",
        ),
        Misconception(
            "mean absolute error",
            _order_with(lambda d: d.abs().mean()),
            "You fitted the mean absolute error. The question asks for the root mean square: "
            "square, average, then take the root.",
        ),
        Misconception(
            "steps without logarithm",
            _order_with(_rms, horizontal=lambda n: n),
            "Only your errors are logarithms. A power law is a straight line when *both* axes are "
            "logarithmic.",
        ),
        Misconception(
            "errors without logarithm",
            _order_with(_rms, vertical=lambda e: e),
            "Only your numbers of steps are logarithms. A power law is a straight line when *both* "
            "axes are logarithmic.",
        ),
        Misconception(
            "two ends only",
            _two_ends,
            "You used the first and the last point only. Fit a line through all of them: one "
            "unlucky end should not decide.",
        ),
    ),
)


QUESTIONS = [
    BY_HAND,
    TIMESTEPS,
    STEP,
    SLERP,
    SAMPLE,
    ORDER,
    Question(id="ddim.explain", points=2, name="explain", manual=True),
]
