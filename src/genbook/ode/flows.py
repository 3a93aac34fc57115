"""The probability flow of a diffusion, in two clocks: the time t, and the noise-to-signal ratio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from genbook.denoiser import Denoiser
from genbook.ode.grids import time_of
from genbook.ode.methods import Field

__all__ = ["Field", "noise_flow", "path_flow", "probability_flow"]


def probability_flow(sde: Any, score: Callable[[Tensor, float], Tensor]) -> Field:
    """The field that carries the marginals of dx = f dt + g dw without noise.

        dx/dt = f(t) x − ½ g(t)² ∇ log p_t(x)

    Args:
        sde: the process, a continuous path.
        score: ``score(x, t)``, the score of its marginal at t.

    References:
        Song et al. (2021), Score-Based Generative Modeling through SDEs, equation 13.
    """

    def field(x: Tensor, t: float) -> Tensor:
        return sde.drift(x, t) - sde.diffusion(t) ** 2 / 2 * score(x, t)

    return field


def noise_flow(denoiser: Denoiser, cond: Any = None) -> Field:
    """The same flow without its linear part: for x̄ = x / a, in the clock σ = b / a.

        dx̄/dσ = eps(a x̄, t)

    Nothing in it is infinite at the data, and where the noise is large it is nearly constant: the
    form in which the flow is solved most cheaply. It is DDIM's equation, and for a = 1 that of
    Karras et al. (2022), equation 4 with s = 1.
    """
    path = denoiser.path

    def field(x: Tensor, sigma: float) -> Tensor:
        t = time_of(path, sigma)
        return denoiser(path.rates(t)[0] * x, t, cond).eps

    return field


def path_flow(denoiser: Denoiser, cond: Any = None) -> Field:
    """The same flow as a network tells it: the mean velocity of the path, in the time t.

    dx/dt = a'(t) E[x_0 | x_t] + b'(t) E[eps | x_t]
    """

    def field(x: Tensor, t: float) -> Tensor:
        return denoiser(x, t, cond).velocity

    return field
