"""Diffusion in continuous time: the forward process, its way back, and the steps that walk it.

The module of the chapter ``sde``. A process dx = f(t) x dt + g(t) dw is a path of
:mod:`genbook.paths` (``VPSDE``, ``VESDE`` and ``SubVPSDE`` are three of them), which knows f, g and
the law N(a x_0, b²) of its states. Every sampler here is one step, walked by
:func:`genbook.sampling.states`; a dial η goes from the flow without noise (0) over Anderson's
reverse process (1) to more noise than the forward process had.

References:
    Song, Sohl-Dickstein, Kingma, Kumar, Ermon & Poole (2021), Score-Based Generative Modeling
    through Stochastic Differential Equations: equations and algorithms are quoted by their numbers
    there. Anderson (1982), Reverse-Time Diffusion Equation Models. Vincent (2011), A Connection
    Between Score Matching and Denoising Autoencoders.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genbook.arguments import below, ends_with_the_data, finite, integer, same_shape
from genbook.denoiser import Denoiser, Limit, Model
from genbook.paths import VE, VP, Path, Prediction, Spacing, SubVP
from genbook.paths.base import ContinuousPath
from genbook.sampling import Step, first_state, last, randn, randn_like, watched
from genbook.sampling import states as walk
from genbook.schedules import NoiseSchedule

__all__ = [
    "VESDE",
    "VPSDE",
    "SubVPSDE",
    "annealed_langevin",
    "euler_maruyama",
    "forward",
    "langevin",
    "loss",
    "on_path",
    "predictor_corrector",
    "reverse_diffusion",
    "sample",
    "states",
]

VPSDE, VESDE, SubVPSDE = VP, VE, SubVP


def loss(
    model: Model,
    path: Path,
    x0: Tensor,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    prediction: Prediction = "eps",
    first: float = 1e-3,
) -> Tensor:
    """Denoising score matching, weighted by b² (equation 7).

        E ‖ b s_θ(x_t, t, cond) + eps ‖²,    x_t = a x_0 + b eps

    The score of the pair, ∇ log p(x_t | x_0) = −eps / b, is infinite at t = 0; b times
    it is not.

    Args:
        model: called as ``model(xt, t, cond)``.
        path: a continuous path; the times are uniform on it, from ``first`` on.
        x0: data, shape ``(B, …)``.
        cond: passed on to the model.
        generator: source of the times and of the noise.
        prediction: what the model predicts. With "eps" this is DDPM's simple loss.
        first: the least time, above 0.

    Returns:
        A scalar, the mean over batch and dimensions.

    Raises:
        ValueError: x0 has NaN or infinite entries, or ``first`` is not between 0 and
            the end.
    """
    finite(x0=x0)
    if not 0 < first < path.end:
        raise ValueError(f"first must lie between 0 and {path.end:g}, got {first}")
    source = x0.device if generator is None else generator.device
    u = torch.rand(len(x0), generator=generator, device=source, dtype=torch.float64)
    t = (first + (path.end - first) * u).to(x0)
    eps = randn(x0.shape, generator, x0.device, x0.dtype)
    a, b = path.rates(t, x0)
    score = Denoiser(model, path, prediction)(a * x0 + b * eps, t, cond).score
    return (b * score + eps).square().mean()


def forward(
    denoiser: Denoiser,
    x: Tensor,
    s: float,
    t: float,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    eta: float = 1.0,
    noise: Tensor | None = None,
) -> Tensor:
    """One step of Euler–Maruyama upwards, from s to t > s, with the dial η.

        x_t = x_s + [f x_s − (1 − η²)/2 g² score] h + η g √h noise,    h = t − s

    At η = 1 this is the process itself, and the network is not asked.
    """
    path, h = _process_of(denoiser, eta), t - s
    _downwards(path, t, s)
    f, g = path.process(s)
    moved = x + h * f * x
    if eta != 1:
        moved = moved - h * (1 - eta**2) / 2 * g**2 * denoiser(x, s, cond).score
    return moved + eta * g * math.sqrt(h) * _pushes(x, noise, generator) if eta else moved


def euler_maruyama(
    denoiser: Denoiser,
    x: Tensor,
    t: float,
    s: float,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    eta: float = 1.0,
    noise: Tensor | None = None,
) -> Tensor:
    """One step of Euler–Maruyama down the reverse process, from t to s < t.

        x_s = x_t − [f x_t − (1 + η²)/2 g² score] h + η g √h noise,    h = t − s

    with f, g and the score at t. η = 1 is the reverse process (equation 6), η = 0 the
    flow without noise (equation 13), and every η has the same marginals. No noise is
    added in the step to 0.

    Args:
        denoiser: asked once, at x_t.
        x: the state at time t, shape ``(B, …)``.
        t, s: times of the denoiser's path, a continuous one.
        cond: passed on to the denoiser.
        generator: source of the noise.
        eta: how much noise, at least 0.
        noise: standard normal, of the shape of x; drawn if not given.

    Raises:
        TypeError: the path is a chain, which has no f and g.
        ValueError: a negative η, s is not below t, noise of another shape, or f or g
            is infinite at t.
    """
    path, h = _process_of(denoiser, eta), t - s
    _downwards(path, t, s)
    f, g = path.process(t)
    score = denoiser(x, t, cond).score
    mean = x - h * (f * x - (1 + eta**2) / 2 * g**2 * score)
    if s == 0 or not eta:
        return mean
    return mean + eta * g * math.sqrt(h) * _pushes(x, noise, generator)


def reverse_diffusion(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    eta: float = 1.0,
) -> Tensor:
    """The way back, cut into steps as the way forward is (equation 46).

    The process leads from s to t by x_t = k x_s + √β noise, exactly, with k = a_t / a_s
    and β of :meth:`~genbook.paths.Path.transition`. This step mirrors it:

        x_s = (2 − k) x_t + (1 + η²)/2 β score + η √β noise

    Arguments as for :func:`euler_maruyama`; the path may be a chain, too. Where nothing
    of the data is left at the end, k is 0 in the first step, however short it is: there
    η = 0 leads astray.
    """
    _dial(eta)
    _downwards(denoiser.path, t, s)
    kept, β = denoiser.path.transition(t, s)
    mean = (2 - kept) * x + (1 + eta**2) / 2 * β * denoiser(x, t, cond).score
    if s == 0 or not eta:
        return mean
    return mean + eta * β**0.5 * randn_like(x, generator)


def langevin(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    snr: float = 0.16,
) -> Tensor:
    """One step of Langevin's dynamics, which stays at t and leaves p_t as it is, but for O(snr²).

        x ← x + ε score + √(2 ε) noise,    ε = 2 (snr · b_t)²

    Noise of the width b_t alone becomes 1 / √(1 − snr²) times as wide. The paper measures ε as
    2 (snr ‖noise‖ / ‖score‖)² (algorithm 4; for VP, algorithm 5, times 1 − β of the chain's step).
    Where the state is far from the data the score has the length ‖noise‖ / b_t, and so this is the
    same number, without making a sample depend on the others of its batch.

    Raises:
        TypeError: t is no number.
        ValueError: t = 0, where the score is infinite, or an infinite or negative ``snr``.
    """
    if not 0 <= snr < math.inf:
        raise ValueError(f"snr must not be negative, and finite, got {snr}")
    ε = 2 * (snr * denoiser.path.rates(denoiser.path.time(t))[1]) ** 2
    return x + ε * denoiser(x, t, cond).score + (2 * ε) ** 0.5 * randn_like(x, generator)


def predictor_corrector(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    predictor: Step = reverse_diffusion,
    moves: int = 1,
    snr: float = 0.16,
) -> Tensor:
    """A step of a predictor from t to s, then ``moves`` steps of :func:`langevin` at s.

    The predictor's error at s is partly undone there, whatever it was (algorithm 1). At
    s = 0 nothing is corrected. One step asks the network 1 + ``moves`` times.

    Args:
        predictor: any step of the book.
        moves: number of corrections, at least 0.
        snr: their size, see :func:`langevin`.
    """
    if integer("moves", moves) < 0:
        raise ValueError(f"moves must not be negative, got {moves}")
    _downwards(denoiser.path, t, s)
    x = predictor(denoiser, x, t, s, cond, generator)
    for _ in range(moves if s > 0 else 0):
        x = langevin(denoiser, x, s, cond, generator, snr=snr)
    return x


def annealed_langevin(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    moves: int = 5,
    snr: float = 0.16,
) -> Tensor:
    """Annealed Langevin dynamics: take the state as one of the next level, and correct.

    A :func:`predictor_corrector` whose predictor does next to nothing: x a_s / a_t, and
    in the step to 0 the predicted data.

    References:
        Song & Ermon (2019), Generative Modeling by Estimating Gradients of the Data
        Distribution, algorithm 1, which returns the last move's state. Its α_i, which
        is ε σ_i² / σ_L² there, is twice our ε: a move goes with the level's variance.
    """
    return predictor_corrector(
        denoiser, x, t, s, cond, generator, predictor=_hold, moves=moves, snr=snr
    )


def states(
    model: Model,
    path: Path,
    shape: Sequence[int],
    steps: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    step: Step = euler_maruyama,
    spacing: Spacing = "linear",
    times: Sequence[Any] | None = None,
    xT: Tensor | None = None,
    prediction: Prediction = "eps",
    clip: Limit | None = None,
    progress: bool = False,
) -> Iterator[tuple[Any, Tensor]]:
    """Sampling, state by state: yields (t, x_t) from the noise to (0, x_0).

    Args:
        model: called as ``model(x, t, cond)``.
        path: what it was trained on, or another path on which it can be asked, see
            :func:`on_path`.
        shape: ``(B, …)``.
        steps: number of steps.
        cond: passed on to the model.
        generator: source of the first state and of the noise.
        step: one of the steps of the book, with its options bound by ``functools.partial``.
        spacing: of the times, see :meth:`~genbook.paths.Path.times`.
        times: the times themselves, ``steps + 1`` of them, descending to 0.
        xT: the first state, drawn from the path's prior if not given.
        prediction: what the model predicts.
        clip: keeps the predicted data in the data's range.
        progress: show a progress bar.

    Raises:
        ValueError: times that do not descend to 0; a state that became NaN or infinite or exploded:
            the message names the times of that step.
    """
    visited = path.times(steps, spacing) if times is None else path.visited(times)
    if len(visited) != steps + 1:
        raise ValueError(f"{steps} steps need {steps + 1} times, got {len(visited)}")
    ends_with_the_data(visited)
    denoiser = Denoiser(model, path, prediction, clip=clip)
    x = first_state(model, path, shape, generator, xT, visited[0])
    walked = walk(step, denoiser, x, visited, cond, generator, progress)
    return watched(walked, largest=1e6 * max(1.0, path.prior_std))


def sample(
    model: Model,
    path: Path,
    shape: Sequence[int],
    steps: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """The last of the :func:`states`: x_0, shape ``(B, …)``. Takes their options."""
    return last(states(model, path, shape, steps, cond, generator, **options))


def on_path(model: Model, chain: NoiseSchedule, path: Path) -> Model:
    """A network that was trained on a chain to predict eps, as one for a continuous path.

    What a network needs to know of a state is how much noise there is beside the data. So it is
    asked at the time of the chain at which log(a²/b²) is that of the path at t, between two
    integers if need be, and shown the state on the chain's scale, x / √(a² + b²). The noise it
    names is the same. Beyond the chain's ends, in less noise than at its time 1 or more than at T,
    it is asked there.
    """
    log_snr = np.asarray(chain.log_snr(torch.arange(chain.T, 0, -1)))  # rising, from T down to 1
    indices = np.arange(chain.T, 0, -1, dtype=np.float64)

    def asked(x: Tensor, t: Any, cond: Any = None) -> Tensor:
        a, b = (torch.as_tensor(rate).cpu() for rate in path.rates(t))
        when = np.interp(2 * (a.log() - b.log()).numpy(), log_snr, indices)
        scale = (a**2 + b**2).rsqrt().to(x).reshape(-1, *[1] * (x.ndim - 1))
        return model(scale * x, torch.as_tensor(when).to(x.device, torch.float32), cond)

    return asked


def _hold(denoiser: Denoiser, x: Tensor, t: Any, s: Any, cond: Any, generator: Any) -> Tensor:
    """The state of t as one of s: only its scale is changed. At s = 0 the predicted data."""
    if s == 0:
        return denoiser(x, t, cond).x0
    a_t, a_s = denoiser.path.rates(t)[0], denoiser.path.rates(s)[0]
    if not a_t:
        raise ValueError(f"nothing of the data is left at t = {t}: its state has no scale")
    return a_s / a_t * x


def _downwards(path: Path, t: Any, s: Any) -> None:
    """Refuse times that are no numbers of the path (one for each sample among them), or lead up."""
    below(path.time(s), path.time(t))


def _pushes(x: Tensor, noise: Tensor | None, generator: torch.Generator | None) -> Tensor:
    """The noise of a step: as given, or drawn."""
    if noise is None:
        return randn_like(x, generator)
    same_shape(x=x, noise=noise)
    return noise


def _process_of(denoiser: Denoiser, eta: float) -> ContinuousPath:
    """The denoiser's path, if it has f and g."""
    _dial(eta)
    if not isinstance(denoiser.path, ContinuousPath):
        raise TypeError(
            f"{denoiser.path!r} is a chain: it has no drift and no diffusion. Take the step "
            "reverse_diffusion, or ask its network by on_path"
        )
    return denoiser.path


def _dial(eta: float) -> None:
    if not 0 <= eta < math.inf:
        raise ValueError(f"eta must be at least 0, from the flow without noise up, got {eta}")
