"""The solvers as samplers: steps for the loop of all samplers, :func:`genbook.sampling.states`.

They differ in two things. Which *clock* they are even in: the time t, the ratio σ = b/a, or its
logarithm. And how many slopes they make of one step: one, two, four, or one and that of the step
before. At the two ends of a path all are DDIM's step: to the data, where b = 0 and no network can
be asked; and from where a = 0 and nothing of the data is left, which in σ is infinitely far away.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from genbook import ddim
from genbook.denoiser import Denoiser, Model
from genbook.ode.grids import GRIDS, ratio, time_of
from genbook.ode.methods import rk4_step
from genbook.paths import Path
from genbook.paths.base import ContinuousPath
from genbook.sampling import Step, from_noise, last

__all__ = [
    "Multistep",
    "dpm_solver_pp",
    "euler",
    "exponential",
    "heun",
    "rk4",
    "sample",
    "states",
]


def euler(
    denoiser: Denoiser, x: Tensor, t: Any, s: Any, cond: Any = None, generator: Any = None
) -> Tensor:
    """Euler's method in the time t: straight on along the velocity; one call.

        x_s = x_t + (s − t) v(x_t, t)

    (In the ratio σ it is :func:`genbook.ddim.jump`.)
    """
    if _at_an_end(denoiser, t, s):
        return ddim.jump(denoiser, x, t, s, cond)
    return x + (s - t) * denoiser(x, t, cond).velocity


def heun(
    denoiser: Denoiser, x: Tensor, t: Any, s: Any, cond: Any = None, generator: Any = None
) -> Tensor:
    """Heun's method in σ = b/a, for x/a, where the slope is eps; two calls.

        x̄_s = x̄_t + (σ_s − σ_t) · ½ (eps(x_t, t) + eps(x'_s, s))

    with x'_s from Euler's step.

    References:
        Karras et al. (2022), Elucidating the Design Space, algorithm 1.
    """
    if _at_an_end(denoiser, t, s):
        return ddim.jump(denoiser, x, t, s, cond)
    a_t, a_s = denoiser.path.rates(t)[0], denoiser.path.rates(s)[0]
    h = ratio(denoiser.path, s) - ratio(denoiser.path, t)
    first = denoiser(x, t, cond).eps
    second = denoiser(a_s * (x / a_t + h * first), s, cond).eps
    return a_s * (x / a_t + h / 2 * (first + second))


def rk4(
    denoiser: Denoiser, x: Tensor, t: Any, s: Any, cond: Any = None, generator: Any = None
) -> Tensor:
    """The classical Runge–Kutta method in σ = b/a, for x/a; four calls.

    Raises:
        TypeError: a chain, which has no time half-way in σ.
    """
    path = denoiser.path
    if _at_an_end(denoiser, t, s):
        return ddim.jump(denoiser, x, t, s, cond)
    if not isinstance(path, ContinuousPath):
        raise TypeError(f"{path!r} has no time in the middle of a step: use a continuous path")
    ends = {ratio(path, t): t, ratio(path, s): s}

    def slope(scaled: Tensor, sigma: float) -> Tensor:
        time = ends[sigma] if sigma in ends else time_of(path, sigma)
        return denoiser(path.rates(time)[0] * scaled, time, cond).eps

    return path.rates(s)[0] * rk4_step(slope, x / path.rates(t)[0], *ends)


def exponential(
    denoiser: Denoiser,
    x: Tensor,
    t: Any,
    s: Any,
    cond: Any = None,
    generator: Any = None,
) -> Tensor:
    """The linear part exactly, the data along a straight line in log-SNR; two calls.

        x_s = b_s/b_t x_t + a_s [(1 − e^{−h}) D_t + (1 − (1 − e^{−h})/h) (D_s − D_t)]

    with h the growth of log(a/b), and D_s the data predicted after a first step with
    D_t alone (which is DDIM's).

    References:
        Cox & Matthews (2002), Exponential Time Differencing for Stiff Systems (there
        the method is called ETD2RK).
    """
    if _at_an_end(denoiser, t, s):
        return ddim.jump(denoiser, x, t, s, cond)
    path = denoiser.path
    (_, b_t), (a_s, b_s), h = path.rates(t), path.rates(s), _growth(path, t, s)
    gained = -math.expm1(-h)  # 1 − e^{−h}
    first = denoiser(x, t, cond).x0
    straight = b_s / b_t * x + a_s * gained * first
    second = denoiser(straight, s, cond).x0
    return straight + a_s * (1 - gained / h) * (second - first)


class Multistep:
    """DPM-Solver++(2M): the line through the last two predictions; one call a step.

        x_s = b_s/b_t x_t + a_s (1 − e^{−h}) [D_t + (D_t − D_r) h / (2 h_r)]

    with h the growth of log(a/b) in this step, h_r in the step before, and D_r the data predicted
    at its start. The first step has none before it and is DDIM's; so is the last, to the data. A
    step of a sampler that remembers: take a new one for each run (one that does not go on where
    the last step ended begins anew, too).

    References:
        Lu et al. (2022), DPM-Solver++: Fast Solver for Guided Sampling, algorithm 2.
    """

    def __init__(self) -> None:
        self._before: tuple[Denoiser, Any, Any, Tensor] | None = None

    def __call__(
        self,
        denoiser: Denoiser,
        x: Tensor,
        t: Any,
        s: Any,
        cond: Any = None,
        generator: Any = None,
    ) -> Tensor:
        path = denoiser.path
        (_, b_t), (a_s, b_s), h = path.rates(t), path.rates(s), _growth(path, t, s)
        now = predicted = denoiser(x, t, cond).x0
        if self._before is not None and h < math.inf:
            asked, r, ended, before = self._before
            if asked is denoiser and ended == t and before.shape == now.shape:
                predicted = now + h / (2 * _growth(path, r, t)) * (now - before)
        self._before = denoiser, t, s, now
        return b_s / b_t * x - a_s * math.expm1(-h) * predicted


def states(
    model: Model,
    path: Path,
    shape: Sequence[int],
    steps: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    *,
    step: Step = heun,
    spacing: str = "edm",
    **options: Any,
) -> Iterator[tuple[Any, Tensor]]:
    """Sampling, state by state: yields (t, x_t) from the noise to (0, x_0).

    With a step of this module or of another chapter, on a grid of ``genbook.ode.grids.GRIDS``:
    arguments and options are those of :func:`genbook.sampling.from_noise`.
    """
    options |= {"step": step, "spacing": spacing, "grids": GRIDS}
    return from_noise(model, path, shape, steps, cond, generator, **options)


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


def dpm_solver_pp(
    model: Model,
    path: Path,
    shape: Sequence[int],
    steps: int,
    cond: Any = None,
    generator: torch.Generator | None = None,
    **options: Any,
) -> Tensor:
    """DPM-Solver++(2M), see :class:`Multistep`: one call a step. Options of :func:`states`."""
    return sample(model, path, shape, steps, cond, generator, step=Multistep(), **options)


def _at_an_end(denoiser: Denoiser, t: Any, s: Any) -> bool:
    """Whether a step begins without data, or ends without noise."""
    return bool(denoiser.path.rates(t)[0] == 0 or denoiser.path.rates(s)[1] == 0)


def _growth(path: Path, t: Any, s: Any) -> float:
    """By how much log(a/b) grows from t down to s, half of what the log-SNR does."""
    (a_t, b_t), (a_s, b_s) = path.rates(t), path.rates(s)
    return math.inf if a_t == 0 or b_s == 0 else math.log(a_s * b_t / (b_s * a_t))
