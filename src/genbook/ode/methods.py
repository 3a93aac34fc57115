"""One step of a Runge–Kutta method, for any field dx/dt = f(x, t).

Each takes the state x at the time t and returns the state at the time s; the step s − t may have
either sign. A method of order p errs by O(h^{p+1}) in a step, and by O(h^p) in the end.

References:
    Hairer, Nørsett & Wanner (1993), Solving Ordinary Differential Equations I, chapter II.
    Dormand & Prince (1980), A Family of Embedded Runge–Kutta Formulae.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["Field", "Method", "dopri5_step", "euler_step", "heun_step", "rk4_step"]

Field = Callable[[Tensor, float], Tensor]
"""f(x, t) → dx/dt, of the shape of x."""

Method = Callable[[Field, Tensor, float, float], Tensor]
"""One step: ``method(f, x, t, s)``, the state at s from the state x at t."""


def euler_step(f: Field, x: Tensor, t: float, s: float) -> Tensor:
    """Straight on along the slope at the start: order 1, one call."""
    return x + (s - t) * f(x, t)


def heun_step(f: Field, x: Tensor, t: float, s: float) -> Tensor:
    """The mean of the slopes at the start and at Euler's end: order 2, two calls."""
    h = s - t
    first = f(x, t)
    second = f(x + h * first, s)
    return x + h / 2 * (first + second)


def rk4_step(f: Field, x: Tensor, t: float, s: float) -> Tensor:
    """The classical method of Kutta: slopes at the start, twice in the middle, and at the end.

    Order 4, four calls.
    """
    h, middle = s - t, (s + t) / 2
    first = f(x, t)
    second = f(x + h / 2 * first, middle)
    third = f(x + h / 2 * second, middle)
    fourth = f(x + h * third, s)
    return x + h / 6 * (first + 2 * second + 2 * third + fourth)


# Dormand and Prince's seven stages. The last is at the end of the step and is the first of the
# next step, so a step costs six calls.
NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
# The difference of the results of order 5 and of order 4: what the step has erred by.
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
# A polynomial through the step, of order 4 (Shampine 1986): the row of a stage has the factors of
# θ, θ², θ³ and θ⁴, with θ from 0 to 1.
BETWEEN = (
    (1, -8048581381 / 2820520608, 8663915743 / 2820520608, -12715105075 / 11282082432),
    (0, 0, 0, 0),
    (0, 131558114200 / 32700410799, -68118460800 / 10900136933, 87487479700 / 32700410799),
    (0, -1754552775 / 470086768, 14199869525 / 1410260304, -10690763975 / 1880347072),
    (0, 127303824393 / 49829197408, -318862633887 / 49829197408, 701980252875 / 199316789632),
    (0, -282668133 / 205662961, 2019193451 / 616988883, -1453857185 / 822651844),
    (0, 40617522 / 29380423, -110615467 / 29380423, 69997945 / 29380423),
)


def dopri5_step(f: Field, x: Tensor, t: float, s: float) -> Tensor:
    """The fifth-order result of Dormand and Prince's pair: six calls, without error control."""
    slopes = [f(x, t)]
    for node, row in zip(NODES[1:-1], STAGES[1:-1], strict=True):
        stage = x + (s - t) * _combined(row, slopes)
        slopes.append(f(stage, s if node == 1 else t + node * (s - t)))
    return x + (s - t) * _combined(STAGES[-1], slopes)


def _combined(weights: tuple[float, ...], slopes: list[Tensor]) -> Tensor:
    total = torch.zeros_like(slopes[0])
    for weight, slope in zip(weights, slopes, strict=True):
        total = total.add(slope, alpha=weight)
    return total
