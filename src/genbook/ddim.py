"""Denoising diffusion implicit models: the same network, far fewer steps.

The module of the chapter `ddim`, in its order: the non-Markov family with DDPM's marginals, the
sub-sequence of times, the three-term step, the sampler, encoding, and interpolation of codes.

References:
    Song, Meng & Ermon (2021), Denoising Diffusion Implicit Models: equations are quoted by their
    numbers there; the paper's α is our ᾱ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from genbook import paths
from genbook.sampling import (
    Model,
    below,
    choice,
    combine,
    descending,
    first_state,
    last,
    randn,
    same_shape,
    signal_left,
    steps_of,
    times_like,
)
from genbook.schedules import Coefficient, NoiseSchedule, Time

__all__ = [
    "encode",
    "encoding_states",
    "lerp",
    "q_posterior",
    "sample",
    "sigma",
    "slerp",
    "states",
    "step",
    "timesteps",
]

Spacing = Literal["linear", "quadratic"]


def timesteps(T: int, steps: int, spacing: Spacing = "linear") -> list[int]:
    """A sub-sequence of times: ``steps + 1`` of them, from T down to 0 (appendix D.2).

    "linear" puts them at T·i/steps, "quadratic" at T·(i/steps)², denser near the data; rounded, and
    kept apart where rounding would make two of them equal.

    Raises:
        ValueError: unknown spacing, or not 1 ≤ steps ≤ T.
        TypeError: steps is not an integer.
    """
    choice("spacing", spacing, Spacing)
    if not isinstance(steps, int):
        raise TypeError(f"steps must be an integer, got {steps!r}")
    if not 1 <= steps <= T:
        raise ValueError(f"steps must lie in 1..T = {T}, got {steps}")
    power = 1 if spacing == "linear" else 2
    return [max(i, round(T * (i / steps) ** power)) for i in range(steps, -1, -1)]


def sigma(
    schedule: NoiseSchedule, t: Time, s: Time, eta: float = 1.0, like: Tensor | None = None
) -> Coefficient:
    """σ = η · b_s / b_t · √(1 − ᾱ_t / ᾱ_s), the noise of a step from t to s (equation 16).

    η = 0 is DDIM, η = 1 is DDPM on the times that are visited. (The paper's σ̂, DDPM's larger noise
    √(1 − ᾱ_t / ᾱ_s), is :func:`genbook.ddpm.sample` with these timesteps and ``variance="beta"``.)

    Returns:
        A float for integers t and s, else a tensor; see
        :meth:`~genbook.schedules.NoiseSchedule.gather`.

    Raises:
        ValueError: η outside [0, 1], s ≥ t, or t out of range.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must lie in [0, 1], from DDIM to DDPM, got {eta}")
    b_s, b_t = schedule.b(s, like), schedule.b(t, like)
    return eta * b_s / b_t * schedule.beta(t, s, like) ** 0.5


def q_posterior(
    schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: Time, s: Time, sigma: Coefficient
) -> tuple[Tensor, Tensor]:
    """The non-Markov family: mean and variance of q_σ(x_s | x_t, x_0) (equation 7).

    Any σ up to b_s keeps the marginals x_s = a_s x_0 + b_s eps:

        mean = a_s x_0 + √(b_s² − σ²) · (x_t − a_t x_0) / b_t,    variance = σ².

    Args:
        x0, xt: shape ``(B, …)``.
        t, s: times with s < t.
        sigma: a number, or a tensor that broadcasts as ``(B, 1, …, 1)``.

    Returns:
        The mean ``(B, …)``, and the variance, which broadcasts against it.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t, or σ is outside [0, b_s].
    """
    same_shape(x0=x0, xt=xt)
    below(s, t)
    (a_t, b_t), (a_s, b_s) = schedule.rates(t, xt), schedule.rates(s, xt)
    allowed = (torch.as_tensor(sigma) >= 0) & (torch.as_tensor(sigma - (1 + 1e-6) * b_s) <= 0)
    if not allowed.all():  # b_s itself is allowed, as rounded
        raise ValueError(f"sigma must lie in [0, b_s] = [0, {b_s}], got {sigma}")
    mean = a_s * x0 + _root(b_s**2 - sigma**2) * (xt - a_t * x0) / b_t
    return mean, torch.as_tensor(sigma**2, dtype=xt.dtype, device=xt.device)


def step(
    schedule: NoiseSchedule,
    xt: Tensor,
    eps: Tensor,
    t: Time,
    s: Time,
    eta: float = 0.0,
    noise: Tensor | None = None,
    x0: Tensor | None = None,
) -> Tensor:
    """One step from t to s < t: predicted x_0, direction to x_t, noise (equation 12).

        x_s = a_s (x_t − b_t eps) / a_t + √(b_s² − σ²) eps + σ noise

    Args:
        xt, eps: the state and the noise predicted in it, shape ``(B, …)``.
        t, s: times in 0..T with s < t; s = 0 is no special case.
        eta: η of :func:`sigma`, from 0 (DDIM, deterministic) to 1 (DDPM on these times).
        noise: standard normal, shape ``(B, …)``; needed if η > 0.
        x0: the predicted x_0, if it is not (x_t − b_t eps) / a_t; needed where a_t = 0.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t, η is outside [0, 1], noise is
            missing, or a_t = 0, where eps says nothing about x_0.
        TypeError: t or s is not an integer.
    """
    same_shape(xt=xt, eps=eps)
    below(s, t)
    (a_t, b_t), (a_s, b_s) = schedule.rates(t, xt), schedule.rates(s, xt)
    σ = sigma(schedule, t, s, eta, xt) if eta else 0.0
    direction = _root(b_s**2 - σ**2)
    if x0 is None:
        signal_left(a_t)
        # a_s x_0 + direction · eps with x_0 = (x_t − b_t eps) / a_t, sorted by x_t and eps
        xs = combine(a_s / a_t, xt, direction - a_s / a_t * b_t, eps)
    else:
        same_shape(xt=xt, x0=x0)
        xs = combine(a_s, x0, direction, eps)
    return xs + σ * _given(noise, xt) if eta else xs


@torch.no_grad()
def states(
    model: Model,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    steps: int,
    eta: float = 0.0,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    *,
    spacing: Spacing = "linear",
    timesteps: Sequence[int] | None = None,
    xT: Tensor | None = None,
    prediction: paths.Prediction = "eps",
    progress: bool = False,
) -> Iterator[tuple[int, Tensor]]:
    """Sampling, state by state: yields (t, x_t) from (T, x_T) to (0, x_0).

    Args:
        model: called as ``model(x, t, cond)`` with t an int64 tensor ``(B,)``.
        shape: ``(B, …)``.
        steps: number of steps, and of calls of the model.
        eta: see :func:`step`.
        cond: passed on to the model.
        generator: source of x_T and of the noise.
        spacing: of the times, see :func:`timesteps`.
        timesteps: the times themselves, ``steps + 1`` of them, descending.
        xT: the first state, drawn if not given.
        prediction: what the model predicts.
        progress: show a progress bar.
    """
    path = _path(schedule, steps, spacing, timesteps)
    x = first_state(shape, generator, xT, schedule.betas.device)
    yield path[0], x
    for t, s in steps_of(path, progress):
        x0, eps = _predict(model, schedule, x, t, cond, prediction)
        noise = randn(x.shape, generator, x.device, x.dtype) if eta else None
        x = step(schedule, x, eps, t, s, eta, noise, x0)
        yield s, x


def sample(
    model: Model,
    schedule: NoiseSchedule,
    shape: Sequence[int],
    steps: int,
    eta: float = 0.0,
    cond: Tensor | None = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """The last of the :func:`states`: x_0, shape ``(B, …)``. Takes their options."""
    return last(states(model, schedule, shape, steps, eta, cond, generator, **options))


@torch.no_grad()
def encoding_states(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    steps: int,
    cond: Tensor | None = None,
    *,
    spacing: Spacing = "linear",
    timesteps: Sequence[int] | None = None,
    prediction: paths.Prediction = "eps",
    progress: bool = False,
) -> Iterator[tuple[int, Tensor]]:
    """The deterministic steps taken upwards, from (0, x_0) to (T, x_T) (section 4.3).

    The step down from t to s is undone exactly by

        x_t = a_t (x_s − b_s eps) / a_s + b_t eps

    with the eps that was predicted at (x_t, t). As x_t is not known yet, eps is predicted at
    (x_s, t) in its place, so the way up and the way down differ by an error that falls with the
    number of steps. For s = 0 this never asks the network for t = 0, which it has not seen.

    Yields:
        (0, x_0), …, (T, x_T). The arguments are those of :func:`states`.
    """
    path = _path(schedule, steps, spacing, timesteps)[::-1]
    x = x0
    yield path[0], x
    for s, t in steps_of(path, progress):
        (a_s, b_s), (a_t, b_t) = schedule.rates(s), schedule.rates(t)
        _, eps = _predict(model, schedule, x, t, cond, prediction)
        x = combine(a_t / a_s, x, b_t - a_t / a_s * b_s, eps)
        yield t, x


def encode(
    model: Model,
    schedule: NoiseSchedule,
    x0: Tensor,
    steps: int,
    cond: Tensor | None = None,
    **options: Any,
) -> Tensor:
    """The code x_T of an image: the last of the :func:`encoding_states`. Takes their options."""
    return last(encoding_states(model, schedule, x0, steps, cond, **options))


def slerp(u: Tensor, v: Tensor, w: float | Tensor) -> Tensor:
    """Spherical interpolation, from u at w = 0 to v at w = 1, along the arc (appendix D.5).

        sin((1 − w) θ) / sin θ · u + sin(w θ) / sin θ · v,    θ the angle between u and v

    Args:
        u, v: ``(B, …)``, with an angle for each sample, or single vectors ``(d,)``.
        w: a number, or ``(B,)``.

    Raises:
        ValueError: shapes differ, a vector is zero, or u and v are opposite, so that no arc is
            shortest.
    """
    same_shape(u=u, v=v)
    w = _weight(w, u)
    θ = _angle(u, v)
    # sin(w θ) / sin θ, written so that nothing special happens at θ = 0
    at_u, at_v = ((c * torch.sinc(c * θ / torch.pi) / torch.sinc(θ / torch.pi)) for c in (1 - w, w))
    return at_u * u + at_v * v


def lerp(u: Tensor, v: Tensor, w: float | Tensor) -> Tensor:
    """Straight interpolation (1 − w) u + w v, for comparison: its middle is too short.

    Independent standard normal u and v give it the variance (1 − w)² + w² < 1.
    """
    same_shape(u=u, v=v)
    w = _weight(w, u)
    return (1 - w) * u + w * v


def _path(
    schedule: NoiseSchedule, steps: int, spacing: Spacing, given: Sequence[int] | None
) -> list[int]:
    """The times to visit: a sub-sequence of so many steps, or the given times."""
    if given is None:
        return timesteps(schedule.T, steps, spacing)
    path = descending(given, schedule.T)
    if len(path) != steps + 1:
        raise ValueError(f"{steps} steps need {steps + 1} timesteps, got {len(path)}")
    return path


def _predict(
    model: Model,
    schedule: NoiseSchedule,
    x: Tensor,
    t: int,
    cond: Tensor | None,
    prediction: paths.Prediction,
) -> tuple[Tensor | None, Tensor]:
    """x_0 and eps as predicted at x_t; no x_0 if the network gives eps, from which it follows."""
    output = model(x, times_like(x, t), cond)
    if prediction == "eps":
        return None, output
    a, b = schedule.rates(t)
    return paths.to_x0(output, x, a, b, prediction), paths.to_eps(output, x, a, b, prediction)


def _given(noise: Tensor | None, xt: Tensor) -> Tensor:
    if noise is None:
        raise ValueError("eta > 0 adds noise: give noise, a standard normal tensor shaped like xt")
    same_shape(xt=xt, noise=noise)
    return noise


def _root(x: Coefficient) -> Coefficient:
    """√x for an x ≥ 0 that rounding may have made a little negative."""
    return max(x, 0.0) ** 0.5 if isinstance(x, float) else x.clamp(min=0).sqrt()


def _weight(w: float | Tensor, u: Tensor) -> Tensor:
    """A weight for each sample, ready to be multiplied with ``(B, …)``."""
    w = torch.as_tensor(w, dtype=u.dtype, device=u.device)
    if w.ndim > 1:
        raise ValueError(f"w must be a number or have shape (B,), got {tuple(w.shape)}")
    return w.reshape(-1, *[1] * max(u.ndim - 1, 1)) if w.ndim == 1 else w


def _angle(u: Tensor, v: Tensor) -> Tensor:
    """The angle between u and v for each sample, ``(B, 1, …, 1)``; accurate where it is small."""
    length_u, length_v = _norm(u), _norm(v)
    if not ((length_u > 0) & (length_v > 0)).all():
        raise ValueError("slerp needs vectors with a direction, got a zero or NaN vector")
    p, q = u / length_u, v / length_v
    θ = 2 * torch.atan2(_norm(p - q), _norm(p + q))
    if (θ > torch.pi - 1e-4).any():
        raise ValueError("slerp between opposite vectors is not defined: no arc is the shortest")
    return θ


def _norm(u: Tensor) -> Tensor:
    """The length of each sample, ``(B, 1, …, 1)``, or of a single vector, ``(1,)``."""
    return torch.linalg.vector_norm(u, dim=tuple(range(min(1, u.ndim - 1), u.ndim)), keepdim=True)
