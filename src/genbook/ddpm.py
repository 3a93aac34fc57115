"""Denoising diffusion probabilistic models: noise the data step by step, learn the way back.

The module of the chapter ``ddpm``: the forward chain in closed form, its posterior by Bayes, the
simple loss, the reverse step and the sampler. The variational bound that it all comes from is next
door, in :mod:`genbook.bound`.

References:
    Ho, Jain & Abbeel (2020), Denoising Diffusion Probabilistic Models: equations and algorithms are
    quoted by their numbers there. Nichol & Dhariwal (2021), Improved DDPM, for the learned
    variance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from genbook import paths
from genbook.arguments import choice, ends_with_the_data, finite, same_shape, signal_left
from genbook.denoiser import Denoiser, Limit, Model
from genbook.paths.base import as_factor, as_factors
from genbook.paths.functions import sqrt
from genbook.sampling import first_state, last, randn, randn_like
from genbook.sampling import states as walk
from genbook.schedules import NoiseSchedule, Time

__all__ = [
    "ancestral",
    "loss",
    "p_reverse",
    "q_posterior",
    "q_sample",
    "sample",
    "states",
    "step",
]

Target = Literal[paths.Prediction, "mean"]
"""What the network predicts; "mean" is the mean of x_{t-1}, the paper's μ̃."""

FixedVariance = Literal["posterior", "beta"]
Variance = Literal["posterior", "beta", "learned"]
"""The variance of a reverse step: β̃_t, β_t, or in between as the network says."""


def q_sample(schedule: paths.Path, x0: Tensor, t: paths.Time, eps: Tensor) -> Tensor:
    """Noise the data to time t at once: x_t = a_t x_0 + b_t eps (equation 4).

    Args:
        schedule: a schedule, or any other path.
        x0, eps: data and standard normal noise, shape ``(B, …)``.
        t: a time of it, or a tensor ``(B,)`` of times: integers in 0..T on a schedule.

    Raises:
        ValueError: t out of range, or x0 and eps have different shapes.
        TypeError: t is no time of this kind of path.
    """
    same_shape(x0=x0, eps=eps)
    a, b = schedule.rates(t, x0)
    return a * x0 + b * eps


def q_posterior(
    schedule: paths.Path,
    x0: Tensor,
    xt: Tensor,
    t: paths.Time,
    s: paths.Time | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean and variance of q(x_s | x_t, x_0): where x_t came from (equations 6, 7).

    With α = ᾱ_t / ᾱ_s and β = 1 − α, which are α_t and β_t for the usual s = t − 1,

        mean = a_s β / b_t² · x_0 + √α b_s² / b_t² · x_t,    variance = b_s² / b_t² · β.

    Args:
        schedule: a schedule, or any other path: there √α is a_t / a_s and β the
            variance of :meth:`~genbook.paths.Path.transition`.
        x0, xt: shape ``(B, …)``.
        t, s: times in 0..T with s < t; s is t − 1 by default.

    Returns:
        The mean ``(B, …)``, and the variance, which broadcasts against it; it is 0 at
        s = 0.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t.
    """
    same_shape(x0=x0, xt=xt)
    s = _before(schedule, t, s)
    root_α, β = schedule.transition(t, s, xt)
    (a_s, b_s), (_, b_t) = schedule.rates(s, xt), schedule.rates(t, xt)
    mean = a_s * β / b_t**2 * x0 + root_α * b_s**2 / b_t**2 * xt
    variance = b_s**2 / b_t**2 * β
    return mean, torch.as_tensor(variance, dtype=mean.dtype, device=xt.device)


def step(
    schedule: paths.Path,
    xt: Tensor,
    eps: Tensor,
    t: paths.Time,
    s: paths.Time | None = None,
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
    choice("variance", variance, FixedVariance)
    s = _before(schedule, t, s)
    root_α, β = schedule.transition(t, s)
    b_t, b_s = schedule.b(t), schedule.b(s)
    signal_left(root_α)
    # One factor each for x_t, eps and noise: each tensor is read only once.
    kept, σ = root_α**-1, _sigma(b_s, b_t, β, variance, s)
    of_xt, of_eps, of_noise = as_factors(xt, kept, -β / b_t * kept, σ)
    mean = paths.combine(of_xt, xt, of_eps, eps)
    if noise is None:
        return mean
    same_shape(xt=xt, noise=noise)
    return paths.add_to(mean, of_noise, noise)


def ancestral(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    variance: Variance = "posterior",
) -> Tensor:
    """The sampler's step from x_t to x_s: the posterior of the predicted data.

        x_s ~ N(mean of q(x_s | x_t, x̂_0), σ²),    σ² as ``variance`` says

    For a network that predicts the noise this is :func:`step`. A "learned" variance is
    that of :func:`p_reverse`. No noise is added in the step to 0.
    """
    choice("variance", variance, Variance)
    if variance == "learned" and not denoiser.twice:
        raise ValueError("a learned variance needs a network that answers twice")
    path = denoiser.path
    guess = denoiser(x, t, cond)
    (a_s, b_s), (_, b_t) = path.rates(s), path.rates(t)
    root_α, β = path.transition(t, s)
    mean = (a_s * β / b_t**2) * guess.x0 + (root_α * b_s**2 / b_t**2) * x
    if s == 0:
        return mean
    noise = randn_like(x, generator)
    if variance != "learned":
        return mean + _sigma(b_s, b_t, β, variance, s) * noise
    return mean + (_learned(path, guess.second, t, s, x) / 2).exp() * noise


def loss(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Target = "eps",
) -> Tensor:
    """L_simple: the squared error at a random time (equation 14, algorithm 1).

    Args:
        model: called as ``model(xt, t, cond)``.
        x0: data, shape ``(B, …)``.
        cond: passed on to the model.
        generator: source of the times and of the noise.
        prediction: what the model predicts: "eps", or for comparison "x0", "v", … or
            "mean".

    Returns:
        A scalar, the mean over batch and dimensions.

    Raises:
        ValueError: x0 has NaN or infinite entries, or the model's output has another
            shape.
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
    prediction: Target = "eps",
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
    choice("prediction", prediction, Target)
    s = _before(schedule, t, s)
    if variance == "learned":
        if output.ndim < 2 or output.shape[1] != 2 * xt.shape[1]:
            raise ValueError(
                f"a learned variance needs {2 * xt.shape[1]} output channels, "
                f"got {tuple(output.shape)}"
            )
        output, ν = output.chunk(2, dim=1)
        log_variance = _learned(schedule, ν, t, s, xt)
    else:
        log_β, log_posterior = log_variances(schedule, t, s, xt)
        log_variance = log_β if variance == "beta" else log_posterior
    same_shape(xt=xt, output=output)
    if prediction == "eps":
        return step(schedule, xt, output, t, s), log_variance
    if prediction == "mean":
        x0 = _mean_to_x0(schedule, xt, output, t)
    else:
        slopes = schedule.derivatives(t, xt) if prediction == "velocity" else (None, None)
        x0 = paths.to_x0(output, xt, *schedule.rates(t, xt), prediction, *slopes)
    return q_posterior(schedule, x0, xt, t, s)[0], log_variance


def states(
    model: Model,
    schedule: paths.Path,
    shape: Sequence[int],
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    prediction: Target = "eps",
    variance: Variance = "posterior",
    timesteps: Sequence[Any] | None = None,
    xT: Tensor | None = None,
    clip: Limit | None = None,
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Ancestral sampling, state by state: yields (T, x_T), …, (0, x_0) (algorithm 2).

    Args:
        model: called as ``model(x, t, cond)`` with t an int64 tensor ``(B,)``.
        schedule: a schedule; or any other path, with ``timesteps``.
        shape: ``(B, …)``.
        cond: passed on to the model.
        generator: source of x_T and of the noise.
        prediction, variance: see :func:`p_reverse`.
        timesteps: the times to visit, descending; all of T..0 by default.
        xT: the first state, drawn if not given.
        clip: keeps the predicted x_0 in the data's range: :func:`genbook.denoiser.clipped` or
            :func:`~genbook.denoiser.thresholded`.
        progress: show a progress bar.
    """
    choice("variance", variance, Variance)
    choice("prediction", prediction, Target)
    if not isinstance(schedule, NoiseSchedule):
        if timesteps is None:
            raise TypeError(f"{schedule!r} has no steps of its own: give timesteps")
        if variance == "learned":
            raise TypeError(f"a learned variance interpolates those of a chain, not {schedule!r}'s")
        if prediction == "mean":
            raise TypeError(f"{schedule!r} has no next time whose mean could be predicted")
    times = schedule.visited(range(int(schedule.end), -1, -1) if timesteps is None else timesteps)
    ends_with_the_data(times)
    denoiser = _denoiser(model, schedule, prediction, variance, clip)
    x = first_state(model, schedule, shape, generator, xT, times[0])
    step = partial(ancestral, variance=variance)
    return walk(step, denoiser, x, times, cond, generator, progress)


def sample(
    model: Model,
    schedule: paths.Path,
    shape: Sequence[int],
    cond: Any = None,
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


def log_variances(schedule: NoiseSchedule, t: Time, s: Time, like: Tensor) -> tuple[Tensor, Tensor]:
    """log β and log β̃ of the step from t to s."""
    β, b_s, b_t = schedule.beta(t, s), schedule.b(s), schedule.b(t)  # small: kept in float64
    posterior = b_s**2 / b_t**2 * β
    first = schedule.beta(2, 1) * schedule.b(1) ** 2 / schedule.b(2) ** 2 if schedule.T > 1 else β
    return _log(β, first, like), _log(posterior, first, like)


def _log(variance: Any, instead: Any, like: Tensor) -> Tensor:
    """The logarithm of a variance, of another where it is 0; broadcasts against ``like``."""
    if isinstance(variance, Tensor):
        return torch.as_tensor(as_factor(torch.where(variance > 0, variance, instead).log(), like))
    logarithm = math.log(variance or instead)
    return torch.tensor(logarithm, dtype=like.dtype, device=like.device)


def _learned(schedule: Any, ν: Any, t: Any, s: Any, like: Tensor) -> Tensor:
    """The logarithm of a learned variance, interpolated by ν."""
    log_β, log_posterior = log_variances(schedule, t, s, like)
    return (1 + ν) / 2 * log_β + (1 - ν) / 2 * log_posterior


def _sigma(
    b_s: paths.Coefficient, b_t: paths.Coefficient, β: paths.Coefficient, variance: str, s: Any
) -> paths.Coefficient:
    """The standard deviation of the noise of a step; 0 in the step to the data."""
    noisy = (s > 0).to(β.device) if isinstance(s, Tensor) and isinstance(β, Tensor) else s > 0
    root = sqrt(β) * noisy
    return b_s / b_t * root if variance == "posterior" else root


def _target(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, eps: Tensor, t: Tensor, prediction: Target
) -> Tensor:
    """What the network should say at x_t."""
    choice("prediction", prediction, Target)
    if prediction == "mean":
        return q_posterior(schedule, x0, xt, t)[0]
    slopes = schedule.derivatives(t, xt) if prediction == "velocity" else (None, None)
    return paths.target_of(prediction, x0, eps, *schedule.rates(t, xt), *slopes)


def _denoiser(
    model: Model, schedule: paths.Path, prediction: Target, variance: Variance, clip: Limit | None
) -> Denoiser:
    """The network as a denoiser; one that predicts the mean of x_{t−1} says x_0 by it."""
    twice = variance == "learned"
    if prediction != "mean":
        return Denoiser(model, schedule, prediction, clip=clip, twice=twice)

    def data(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        output = model(x, t, cond)
        if not twice:
            return _mean_to_x0(schedule, x, output, t)
        mean, ν = output.chunk(2, 1)
        return torch.cat([_mean_to_x0(schedule, x, mean, t), ν], 1)

    return Denoiser(data, schedule, "x0", clip=clip, twice=twice)


def _mean_to_x0(schedule: Any, xt: Tensor, mean: Tensor, t: paths.Time) -> Tensor:
    """The x_0 whose posterior of the step from t to t − 1 has this mean."""
    same_shape(xt=xt, output=mean)
    one = torch.ones_like(xt)
    of_x0, of_xt = (q_posterior(schedule, *pair, t)[0] for pair in ((one, 0 * one), (0 * one, one)))
    return (mean - of_xt * xt) / of_x0


def _before(schedule: paths.Path, t: Any, s: Any) -> Any:
    """s, or the time before t."""
    if s is None and not isinstance(schedule, NoiseSchedule):
        raise TypeError(f"{schedule!r} has no time before t: give s")
    return t - 1 if s is None else s
