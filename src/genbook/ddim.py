"""Denoising diffusion implicit models: the same network, far fewer steps.

The module of the chapter ``ddim``, in its order: the non-Markov family with DDPM's marginals, the
sub-sequence of times, the three-term step, the sampler, encoding, and interpolation of codes.

References:
    Song, Meng & Ermon (2021), Denoising Diffusion Implicit Models: equations are quoted by their
    numbers there; the paper's α is our ᾱ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from genbook import paths
from genbook.arguments import below, finite, same_shape, signal_left
from genbook.denoiser import Denoiser, Limit, Model
from genbook.paths import combine
from genbook.paths.base import as_factor, as_factors
from genbook.sampling import first_state, grid, last, randn_like
from genbook.sampling import states as walk
from genbook.schedules import timesteps

__all__ = [
    "encode",
    "encoding_states",
    "jump",
    "lerp",
    "q_posterior",
    "rise",
    "sample",
    "sigma",
    "slerp",
    "states",
    "step",
    "timesteps",
]


def sigma(
    schedule: paths.Path,
    t: paths.Time,
    s: paths.Time,
    eta: float = 1.0,
    like: Tensor | None = None,
) -> paths.Coefficient:
    """σ = η · b_s / b_t · √(1 − ᾱ_t / ᾱ_s), the noise of a step from t to s (equation 16).

    η = 0 is DDIM, η = 1 is DDPM on the times that are visited. (The paper's σ̂, DDPM's larger noise
    √(1 − ᾱ_t / ᾱ_s), is :func:`genbook.ddpm.sample` with these timesteps and ``variance="beta"``.)
    On a path that is no chain the root is that of the variance of
    :meth:`~genbook.paths.Path.transition`.

    Returns:
        A float for numbers t and s, else a tensor; see :meth:`~genbook.paths.Path.rates`.

    Raises:
        ValueError: η outside [0, 1], s ≥ t, or t out of range.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must lie in [0, 1], from DDIM to DDPM, got {eta}")
    b_s, b_t = schedule.rates(s)[1], schedule.rates(t)[1]
    return as_factor(eta * b_s / b_t * schedule.transition(t, s)[1] ** 0.5, like)


def q_posterior(
    schedule: paths.Path,
    x0: Tensor,
    xt: Tensor,
    t: paths.Time,
    s: paths.Time,
    sigma: paths.Coefficient,
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


def jump(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    eta: float = 0.0,
) -> Tensor:
    """The sampler's step from t to s < t (equation 12).

    Its terms are the predicted x_0, the direction to x_t, and fresh noise:

        x_s = a_s x̂_0 + √(b_s² − σ²) eps + σ noise
    """
    path = denoiser.path
    guess = denoiser(x, t, cond)
    a_s, b_s = path.rates(s)
    σ = sigma(path, t, s, eta) if eta else 0.0
    x_s = a_s * guess.x0 + _root(b_s**2 - σ**2) * guess.eps
    return x_s + σ * randn_like(x, generator) if eta else x_s


def step(
    schedule: paths.Path,
    xt: Tensor,
    eps: Tensor,
    t: paths.Time,
    s: paths.Time,
    eta: float = 0.0,
    noise: Tensor | None = None,
    x0: Tensor | None = None,
) -> Tensor:
    """The same step from given numbers: x_t, the predicted noise, and the fresh noise.

        x_s = a_s (x_t − b_t eps) / a_t + √(b_s² − σ²) eps + σ noise

    computed as a sum of x_t and eps, each with one factor: two operations on tensors instead of
    five, and no x̂_0 whose digits would be lost where a_t is small.

    Args:
        xt, eps: the state and the noise predicted in it, shape ``(B, …)``.
        t, s: times of the path with s < t; s = 0 is no special case.
        eta: η of :func:`sigma`, from 0 (DDIM, deterministic) to 1 (DDPM on these times).
        noise: standard normal, shape ``(B, …)``; needed if η > 0.
        x0: the predicted x_0, if it is not (x_t − b_t eps) / a_t; needed where a_t = 0.

    Raises:
        ValueError: shapes differ, t or s is out of range, s ≥ t, η is outside [0, 1], noise is
            missing, or a_t = 0, where eps says nothing about x_0.
        TypeError: t or s is no time of this kind of path.
    """
    same_shape(xt=xt, eps=eps)
    below(s, t)
    (a_t, b_t), (a_s, b_s) = schedule.rates(t), schedule.rates(s)
    σ = sigma(schedule, t, s, eta) if eta else 0.0
    direction = _root(b_s**2 - σ**2) if eta else b_s
    if x0 is None:
        signal_left(a_t, a_s)
        kept = a_s / a_t
        of_xt, of_eps = as_factors(xt, kept, direction - kept * b_t)
        xs = combine(of_xt, xt, of_eps, eps)
    else:
        same_shape(xt=xt, x0=x0)
        of_x0, of_eps = as_factors(xt, a_s, direction)
        xs = combine(of_x0, x0, of_eps, eps)
    if not eta:
        return xs
    if noise is None:
        raise ValueError("eta > 0 adds noise: give noise, a standard normal tensor shaped like xt")
    same_shape(xt=xt, noise=noise)
    return paths.add_to(xs, as_factor(σ, xt), noise)


def from_eps(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    eta: float = 0.0,
) -> Tensor:
    """:func:`jump` by :func:`step`: taken by :func:`states` for an eps that nothing clips."""
    eps = denoiser(x, t, cond).eps
    noise = randn_like(x, generator) if eta else None
    return step(denoiser.path, x, eps, t, s, eta, noise)


def states(
    model: Model,
    schedule: paths.Path,
    shape: Sequence[int],
    steps: int,
    eta: float = 0.0,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    spacing: paths.Spacing = "linear",
    timesteps: Sequence[Any] | None = None,
    xT: Tensor | None = None,
    prediction: paths.Prediction = "eps",
    clip: Limit | None = None,
    keep_eps: bool = False,
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Sampling, state by state: yields (t, x_t) from (T, x_T) to (0, x_0).

    Args:
        model: called as ``model(x, t, cond)`` with t a tensor ``(B,)``, int64 on a schedule.
        schedule: a schedule, or any other path.
        shape: ``(B, …)``.
        steps: number of steps, and of calls of the model.
        eta: see :func:`sigma`.
        cond: passed on to the model.
        generator: source of x_T and of the noise.
        spacing: of the times, see :func:`timesteps`.
        timesteps: the times themselves, ``steps + 1`` of them, descending.
        xT: the first state, drawn if not given.
        prediction: what the model predicts.
        clip, keep_eps: keep the predicted x_0 in the data's range, see
            :class:`~genbook.denoiser.Denoiser`.
        progress: show a progress bar.
    """
    times = grid(schedule, steps, spacing, timesteps)
    sigma(schedule, times[0], times[1], eta)  # a wrong η is refused before the first step
    denoiser = Denoiser(model, schedule, prediction, clip=clip, keep_eps=keep_eps)
    x = first_state(model, schedule, shape, generator, xT, times[0])
    quick = prediction == "eps" and clip is None
    move = partial(from_eps if quick else jump, eta=eta)
    return walk(move, denoiser, x, times, cond, generator, progress)


def sample(
    model: Model,
    schedule: paths.Path,
    shape: Sequence[int],
    steps: int,
    eta: float = 0.0,
    cond: Any = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """The last of the :func:`states`: x_0, shape ``(B, …)``. Takes their options."""
    return last(states(model, schedule, shape, steps, eta, cond, generator, **options))


def rise(
    denoiser: Denoiser,
    x: Tensor,
    s: Any,
    t: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """One deterministic step upwards, from s to t > s (section 4.3).

    The step down from t to s is undone exactly by

        x_t = a_t (x_s − b_s eps) / a_s + b_t eps

    with the eps that was predicted at (x_t, t). As x_t is not known yet, eps is
    predicted at (x_s, t) in its place, so the way up and the way down differ by an
    error that falls with the number of steps. For s = 0 this never asks the network for
    t = 0, which it has not seen.
    """
    (a_s, b_s), (a_t, b_t) = denoiser.path.rates(s), denoiser.path.rates(t)
    eps = denoiser(x, t, cond).eps
    return a_t * (x - b_s * eps) / a_s + b_t * eps


def encoding_states(
    model: Model,
    schedule: paths.Path,
    x0: Tensor,
    steps: int,
    cond: Any = None,
    *,
    spacing: paths.Spacing = "linear",
    timesteps: Sequence[Any] | None = None,
    prediction: paths.Prediction = "eps",
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """The steps :func:`rise` taken from (0, x_0) to (T, x_T), state by state.

    The arguments are those of :func:`states`; x0 has the shape ``(B, …)``.
    """
    times = grid(schedule, steps, spacing, timesteps)[::-1]
    denoiser = Denoiser(model, schedule, prediction)
    return walk(rise, denoiser, x0, times, cond, None, progress, upwards=True)


def encode(
    model: Model,
    schedule: paths.Path,
    x0: Tensor,
    steps: int,
    cond: Any = None,
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
        TypeError: no floating-point tensors.
        ValueError: shapes differ, NaN or infinity, a vector is zero, or u and v are opposite, so
            that no arc is shortest.
    """
    finite(u=u, v=v)
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
    finite(u=u, v=v)
    same_shape(u=u, v=v)
    w = _weight(w, u)
    return (1 - w) * u + w * v


def _root(x: paths.Coefficient) -> paths.Coefficient:
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
    # Rounding turns opposite vectors by a few ε; within √ε the arc is decided by rounding alone.
    if (θ > torch.pi - torch.finfo(u.dtype).eps ** 0.5).any():
        raise ValueError("slerp between opposite vectors is not defined: no arc is the shortest")
    return θ


def _norm(u: Tensor) -> Tensor:
    """The length of each sample, ``(B, 1, …, 1)``, or of a single vector, ``(1,)``."""
    return torch.linalg.vector_norm(u, dim=tuple(range(min(1, u.ndim - 1), u.ndim)), keepdim=True)
