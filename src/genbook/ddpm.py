"""Denoising diffusion probabilistic models: noise the data step by step, learn the way back.

The module of the chapter `ddpm`: the forward chain in closed form, its posterior by Bayes, the
simple loss, the reverse step and the sampler. The variational bound that it all comes from is next
door, in :mod:`genbook.bound`.

References:
    Ho, Jain & Abbeel (2020), Denoising Diffusion Probabilistic Models: equations and algorithms are
    quoted by their numbers there. Nichol & Dhariwal (2021), Improved DDPM, for the learned
    variance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from genbook import paths
from genbook.sampling import (
    Model,
    choice,
    combine,
    descending,
    finite,
    first_state,
    last,
    randn,
    same_shape,
    signal_left,
    steps_of,
    times_like,
)
from genbook.schedules import NoiseSchedule, Time

__all__ = [
    "loss",
    "p_reverse",
    "q_posterior",
    "q_sample",
    "sample",
    "states",
    "step",
]

Prediction = Literal["eps", "x0", "v", "mean"]
"""What the network predicts; "mean" is the mean of x_{t-1}, the paper's μ̃."""

FixedVariance = Literal["posterior", "beta"]
Variance = Literal["posterior", "beta", "learned"]
"""The variance of a reverse step: β̃_t, β_t, or in between as the network says."""


def q_sample(schedule: NoiseSchedule, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
    """Noise the data to time t at once: x_t = a_t x_0 + b_t eps (equation 4).

    Args:
        x0, eps: data and standard normal noise, shape ``(B, …)``.
        t: integer or integer tensor ``(B,)``, in 0..T.

    Raises:
        ValueError: t out of range, or x0 and eps have different shapes.
        TypeError: t is not an integer.
    """
    same_shape(x0=x0, eps=eps)
    return schedule.a(t, x0) * x0 + schedule.b(t, x0) * eps


def q_posterior(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: Time, s: Time | None = None
) -> tuple[Tensor, Tensor]:
    """Where x_t came from, if we knew x_0: mean and variance of q(x_s | x_t, x_0) (equations 6, 7).

    With α = ᾱ_t / ᾱ_s and β = 1 − α, which are α_t and β_t for the usual s = t − 1,

        mean = a_s β / b_t² · x_0 + √α b_s² / b_t² · x_t,    variance = b_s² / b_t² · β.

    Args:
        x0, xt: shape ``(B, …)``.
        t, s: times in 0..T with s < t; s is t − 1 by default.

    Returns:
        The mean ``(B, …)``, and the variance, which broadcasts against it; it is 0 at s = 0.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t.
    """
    same_shape(x0=x0, xt=xt)
    s = t - 1 if s is None else s
    α, β = schedule.alpha(t, s, xt), schedule.beta(t, s, xt)
    a_s, b_s, b_t = schedule.a(s, xt), schedule.b(s, xt), schedule.b(t, xt)
    mean = a_s * β / b_t**2 * x0 + α**0.5 * b_s**2 / b_t**2 * xt
    variance = b_s**2 / b_t**2 * β
    return mean, torch.as_tensor(variance, dtype=xt.dtype, device=xt.device)


def step(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: Time,
    s: Time | None = None,
    noise: Tensor | None = None,
    variance: FixedVariance = "posterior",
) -> Tensor:
    """One ancestral step back, from t to s < t (algorithm 2, line 4).

    With α = ᾱ_t / ᾱ_s and β = 1 − α, which are α_t and β_t for the usual s = t − 1,

        x_s = (x_t − β / b_t · eps) / √α + σ noise.

    On a sub-sequence of times it has to be this β: the jump from s to t added noise of variance
    1 − ᾱ_t / ᾱ_s, not β_t.

    Args:
        xt, eps: the state and the noise predicted in it, shape ``(B, …)``.
        t, s: times in 0..T with s < t; s is t − 1 by default.
        noise: standard normal, shape ``(B, …)``; without it the result is the mean.
        variance: σ² is that of "posterior", b_s² / b_t² · β, or "beta", β. At s = 0 no noise is
            added.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t, or a_t = 0, where eps says nothing
            about x_0.
    """
    same_shape(xt=xt, eps=eps)
    s = t - 1 if s is None else s
    choice("variance", variance, FixedVariance)
    α, β, b_t = schedule.alpha(t, s, xt), schedule.beta(t, s, xt), schedule.b(t, xt)
    signal_left(α)
    mean = combine(1 / α**0.5, xt, -β / b_t / α**0.5, eps)  # read each tensor only once
    if noise is None:
        return mean
    same_shape(xt=xt, noise=noise)
    b_s = schedule.b(s, xt)
    σ2 = b_s**2 / b_t**2 * β if variance == "posterior" else (b_s > 0) * β
    return mean + σ2**0.5 * noise


def loss(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Prediction = "eps",
) -> Tensor:
    """L_simple: the squared error of the prediction at a random time (equation 14, algorithm 1).

    Args:
        model: called as ``model(xt, t, cond)``.
        x0: data, shape ``(B, …)``.
        cond: passed on to the model.
        generator: source of the times and of the noise.
        prediction: what the model predicts: "eps", or for comparison "x0", "v" or "mean".

    Returns:
        A scalar, the mean over batch and dimensions.

    Raises:
        ValueError: x0 has NaN or infinite entries, or the model's output has another shape.
    """
    finite(x0=x0)
    t = random_times(schedule, x0, generator)
    eps = randn(x0.shape, generator, x0.device, x0.dtype)
    xt = q_sample(schedule, x0, t, eps)
    target = _target(schedule, x0, xt, eps, t, prediction)
    output = model(xt, t, cond)
    same_shape(target=target, output=output)
    return (output - target).square().mean()


def p_reverse(
    schedule: NoiseSchedule,
    xt: Tensor,
    output: Tensor,
    t: Time,
    s: Time | None = None,
    prediction: Prediction = "eps",
    variance: Variance = "posterior",
) -> tuple[Tensor, Tensor]:
    """The model's reverse step p(x_s | x_t) = N(mean, exp(log_variance)), whatever it predicts.

    A "learned" variance comes with an output of twice the channels, ``(B, 2 C, …)``: its second
    half ν, from −1 to 1, interpolates the logarithms (Nichol & Dhariwal 2021, equation 15),

        log σ² = (1 + ν)/2 · log β + (1 − ν)/2 · log β̃,    β̃ = b_s² / b_t² · β.

    At s = 0, where β̃ = 0, the logarithm takes the value of the step from 2 to 1.

    Args:
        xt: the state, shape ``(B, C, …)``.
        output: what the model says there: shape ``(B, C, …)``, or ``(B, 2 C, …)``.
        t, s: times in 0..T with s < t; s is t − 1 by default.

    Returns:
        The mean ``(B, C, …)``, and the log variance, which broadcasts against it.
    """
    choice("variance", variance, Variance)
    choice("prediction", prediction, Prediction)
    s = t - 1 if s is None else s
    log_beta, log_posterior = log_variances(schedule, t, s, xt)
    log_variance = log_beta if variance == "beta" else log_posterior
    if variance == "learned":
        output, ν = _halves(output, xt)
        log_variance = (1 + ν) / 2 * log_beta + (1 - ν) / 2 * log_posterior
    same_shape(xt=xt, output=output)
    if prediction == "mean":
        return output, log_variance
    if prediction == "eps":
        return step(schedule, xt, output, t, s), log_variance
    x0 = paths.to_x0(output, xt, schedule.a(t, xt), schedule.b(t, xt), prediction)
    return q_posterior(schedule, x0, xt, t, s)[0], log_variance


@torch.no_grad()
def states(
    model: Model,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    *,
    prediction: Prediction = "eps",
    variance: Variance = "posterior",
    timesteps: Sequence[int] | None = None,
    xT: Tensor | None = None,
    progress: bool = False,
) -> Iterator[tuple[int, Tensor]]:
    """Ancestral sampling, state by state: yields (T, x_T), …, (0, x_0) (algorithm 2).

    Args:
        model: called as ``model(x, t, cond)`` with t an int64 tensor ``(B,)``.
        shape: ``(B, …)``.
        cond: passed on to the model.
        generator: source of x_T and of the noise.
        prediction, variance: see :func:`p_reverse`.
        timesteps: the times to visit, descending; all of T..0 by default.
        xT: the first state, drawn if not given.
        progress: show a progress bar.
    """
    T = schedule.T
    path = descending(range(T, -1, -1) if timesteps is None else timesteps, T)
    x = first_state(shape, generator, xT, schedule.betas.device)
    yield path[0], x
    for t, s in steps_of(path, progress):
        output = model(x, times_like(x, t), cond)
        x, log_variance = p_reverse(schedule, x, output, t, s, prediction, variance)
        if s > 0:
            noise = randn(x.shape, generator, x.device, x.dtype)
            x = x + (log_variance / 2).exp() * noise
        yield s, x


def sample(
    model: Model,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """The last of the :func:`states`: x_0, shape ``(B, …)``. Takes their options."""
    return last(states(model, schedule, shape, cond, generator, **options))


def random_times(schedule: NoiseSchedule, x0: Tensor, generator: torch.Generator | None) -> Tensor:
    """A time for each sample, uniform in 1..T: int64, shape ``(B,)``."""
    source = x0.device if generator is None else generator.device
    t = torch.randint(1, schedule.T + 1, (len(x0),), generator=generator, device=source)
    return t.to(x0.device)


def _target(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, eps: Tensor, t: Tensor, prediction: Prediction
) -> Tensor:
    """What the network should say at x_t."""
    choice("prediction", prediction, Prediction)
    if prediction == "mean":
        return q_posterior(schedule, x0, xt, t)[0]
    return paths.convert(eps, xt, schedule.a(t, xt), schedule.b(t, xt), "eps", prediction)


def _halves(output: Tensor, xt: Tensor) -> tuple[Tensor, Tensor]:
    """The prediction and the variance's interpolation, from an output of twice the channels."""
    if output.ndim < 2 or output.shape[1] != 2 * xt.shape[1]:
        raise ValueError(
            f"a learned variance needs {2 * xt.shape[1]} output channels, got {tuple(output.shape)}"
        )
    prediction, ν = output.chunk(2, dim=1)
    return prediction, ν


def log_variances(schedule: NoiseSchedule, t: Time, s: Time, like: Tensor) -> tuple[Tensor, Tensor]:
    """log β and log β̃ of the step from t to s."""
    β, b_s, b_t = schedule.beta(t, s, like), schedule.b(s, like), schedule.b(t, like)
    β, b_s, b_t = (torch.as_tensor(c, dtype=like.dtype, device=like.device) for c in (β, b_s, b_t))
    first = schedule.beta(2, 1) * schedule.b(1) ** 2 / schedule.b(2) ** 2 if schedule.T > 1 else β
    return β.log(), torch.where(b_s > 0, β * b_s**2 / b_t**2, first).log()
