"""Solve dx/dt = f(x, t): in so many steps, or in as many as an error bound asks for.

The adaptive solver is Dormand and Prince's pair of orders 5 and 4. Each step compares its two
results; where they differ by more than is allowed the step is taken again, shorter. It never loops
for ever, and never goes on with a state that is no number: it says at which time it had to stop.

References:
    Dormand & Prince (1980), A Family of Embedded Runge–Kutta Formulae. Hairer, Nørsett & Wanner
    (1993), Solving Ordinary Differential Equations I, section II.4, for the size of the steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from genbook.arguments import choice, finite, integer, same_shape, shown
from genbook.ode.methods import (
    BETWEEN,
    ERROR,
    NODES,
    STAGES,
    Field,
    Method,
    dopri5_step,
    euler_step,
    heun_step,
    rk4_step,
)

__all__ = ["Solution", "SolverError", "integrate", "solve"]

Name = Literal["euler", "heun", "rk4", "dopri5"]
METHODS: dict[str, Method] = {
    "euler": euler_step,
    "heun": heun_step,
    "rk4": rk4_step,
    "dopri5": dopri5_step,
}
CALLS = {"euler": 1, "heun": 2, "rk4": 4, "dopri5": 6}
SAFETY, LEAST, MOST = 0.9, 0.2, 10.0  # of the factor by which a step grows or shrinks
Norm = Callable[[Tensor], float]


def rms(error: Tensor) -> float:
    """The root mean square of all numbers."""
    return (torch.linalg.vector_norm(error) / math.sqrt(max(1, error.numel()))).item()


class SolverError(ValueError):
    """A solve that could not go on; ``time`` says where."""

    def __init__(self, message: str, time: float):
        super().__init__(message)
        self.time = time


class Solution(NamedTuple):
    """What a solve found, and what it cost.

    Attributes:
        states: at the times asked for, ``(len(at), B, …)``; the last alone, ``(B, …)``, without.
        calls: of the field.
        steps: that were taken.
        rejected: that were tried and found too long.
        times: where the solve set foot, from t0 to t1.
    """

    states: Tensor
    calls: int
    steps: int
    rejected: int
    times: list[float]


def solve(
    f: Field,
    x: Tensor,
    t0: float,
    t1: float,
    method: Name = "dopri5",
    steps: int | Sequence[float] | None = None,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    at: Sequence[float] | None = None,
    limit: int = 10_000,
    norm: Norm = rms,
) -> Tensor:
    """The state at t1 of the solution that has the state x at t0; t1 may lie on either side.

    Args:
        f: the field, called as ``f(x, t)`` with t a float.
        x: shape ``(B, …)``; no gradients are kept.
        t0, t1: where the solution starts and ends.
        method: "euler", "heun", "rk4" or "dopri5", of orders 1, 2, 4 and 5.
        steps: their number, or the times themselves from t0 to t1. Without, the steps are chosen
            so that each errs by no more than ``atol + rtol |x|`` (root mean square over all
            entries); that is for "dopri5" alone.
        at: times between t0 and t1, in the order in which they are reached; then the states at
            these times are returned, ``(len(at), B, …)``. With steps they are times of the grid.
        limit: of steps tried.
        norm: of an error in units of what is allowed, of the shape of x. The default is taken over
            the whole batch, so that one sample may err by more where many others err less.

    Raises:
        ValueError: an unknown method, times out of order, tolerances that are not positive.
        SolverError: NaN or infinity, steps that became too small to change the time, or more than
            ``limit`` of them. It names the time at which it happened.
    """
    options = {"rtol": rtol, "atol": atol, "at": at, "limit": limit, "norm": norm}
    return integrate(f, x, t0, t1, method, steps, **options).states  # type: ignore[arg-type]


@torch.no_grad()
def integrate(
    f: Field,
    x: Tensor,
    t0: float,
    t1: float,
    method: Name = "dopri5",
    steps: int | Sequence[float] | None = None,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    at: Sequence[float] | None = None,
    limit: int = 10_000,
    norm: Norm = rms,
) -> Solution:
    """:func:`solve`, with what it cost: the number of calls and of steps."""
    choice("method", method, Name)
    finite(x=x)
    t0, t1 = float(t0), float(t1)
    if not (math.isfinite(t0) and math.isfinite(t1)) or t0 == t1:
        raise ValueError(f"t0 and t1 must be two different finite times, got {t0} and {t1}")
    asked = None if at is None else _in_order(at, t0, t1, "at")
    if steps is not None:
        return _walk(f, x, _grid(steps, t0, t1), method, asked)
    if method != "dopri5":
        raise ValueError(f"{method!r} does not choose its steps: give steps, or take 'dopri5'")
    if not (0 < rtol < math.inf and 0 < atol < math.inf):
        raise ValueError(f"rtol and atol must be positive and finite, got {rtol} and {atol}")
    limit, ends = integer("limit", limit), [t1] if asked is None else asked
    return _adapt(f, x, t0, t1, rtol, atol, ends, limit, at is None, norm)


def _walk(
    f: Field, x: Tensor, grid: list[float], method: Name, asked: list[float] | None
) -> Solution:
    """Fixed steps along the grid."""
    step, field, kept = METHODS[method], _guarded(f), {grid[0]: x}
    for t, s in pairwise(grid):
        x = step(field, x, t, s)
        if not x.isfinite().all():
            raise SolverError(
                f"the state became NaN or infinite in the step from t = {t:.6g} to {s:.6g}", t
            )
        if asked is not None:
            kept[s] = x
    count = len(grid) - 1
    calls = count * CALLS[method]
    if asked is None:
        return Solution(x, calls, count, 0, grid)
    missing = [t for t in asked if t not in kept]
    if missing:
        raise ValueError(
            f"with fixed steps the times asked for are on the grid: {missing[0]} is not"
        )
    return Solution(torch.stack([kept[t] for t in asked]), calls, count, 0, grid)


def _adapt(
    f: Field,
    x: Tensor,
    t0: float,
    t1: float,
    rtol: float,
    atol: float,
    asked: list[float],
    limit: int,
    alone: bool,
    norm: Norm,
) -> Solution:
    """Dormand and Prince's steps, as long as their error allows."""
    wide, sign = abs(t1 - t0), math.copysign(1.0, t1 - t0)
    shape, given = x.shape, x.dtype
    # Half precision cannot hold an error in units of a tolerance; the field gets what was given.
    x = (x.float() if given in (torch.float16, torch.bfloat16) else x).reshape(-1)
    slopes = x.new_empty(len(NODES), x.numel())  # one row a stage
    stages = [x.new_tensor(row) for row in STAGES]
    error_weights, between = x.new_tensor(ERROR), x.new_tensor(BETWEEN)

    field = _guarded(f)

    def slope(y: Tensor, t: float) -> Tensor:
        return field(y.reshape(shape).to(given), t).reshape(-1).to(x.dtype)

    slopes[0] = slope(x, t0)
    h, calls = _first_step(slope, x, slopes[0], t0, sign, wide, rtol, atol)
    calls += 1
    t, rejected, times = t0, 0, [t0]
    found: list[Tensor] = []
    before: tuple[float, float] | None = None
    while t != t1:
        if len(times) - 1 + rejected >= limit:
            raise SolverError(
                f"{limit} steps were not enough: stopped at t = {t:.6g} with steps of {h:.3g} "
                f"({rejected} were rejected). The field is stiff there, or the tolerance too small",
                t,
            )
        if h < 16 * math.ulp(max(abs(t), 1e-3 * wide)):
            raise SolverError(
                f"the step became too small to change the time at t = {t:.6g}: the field is "
                "singular or NaN there, or the tolerance too small for its precision",
                t,
            )
        # The end is reached exactly; no crumb is left over for a last step.
        last = 1.01 * h >= abs(t1 - t)
        s = t1 if last else t + sign * h
        signed = s - t
        try:
            for i in range(1, len(NODES)):
                y = torch.addmv(x, slopes[:i].T, signed * stages[i])
                calls += 1
                slopes[i] = slope(y, s if NODES[i] == 1 else t + NODES[i] * signed)
        except SolverError:  # too far, perhaps: a shorter step does not see it
            rejected, h = rejected + 1, LEAST * abs(signed)
            continue
        allowed = torch.maximum(x.abs(), y.abs()).mul_(rtol).add_(atol)
        size = norm((torch.mv(slopes.T, signed * error_weights) / allowed).reshape(shape))
        if not size <= 1:  # NaN is too much, too
            rejected += 1
            h = abs(signed) * (max(LEAST, SAFETY * size**-0.2) if math.isfinite(size) else LEAST)
            continue
        while len(found) < len(asked) and sign * (s - asked[len(found)]) >= 0:
            here = (asked[len(found)] - t) / signed
            powers = x.new_tensor([here, here**2, here**3, here**4])
            inside = torch.addmv(x, slopes.T, signed * (between @ powers))
            found.append(y if asked[len(found)] == s else inside)
        # As the error was; and where the steps have been getting shorter, as that goes on
        # (Gustafsson's prediction): towards the data the next one would else be rejected.
        size = max(size, 1e-6)
        factor = size**-0.2
        if before is not None:
            length, error = before
            factor *= min(1.0, abs(signed) / length * (error / size) ** 0.2)
        before = abs(signed), size
        h = abs(signed) * min(MOST, max(LEAST, SAFETY * factor))
        t, x = s, y
        times.append(t)
        slopes[0] = slopes[-1]
    states = [state.reshape(shape).to(given) for state in found]
    return Solution(
        states[0] if alone else torch.stack(states), calls, len(times) - 1, rejected, times
    )


def _guarded(f: Field) -> Field:
    """The field, which may not answer with NaN or infinity, nor in another shape."""

    def field(x: Tensor, t: float) -> Tensor:
        slope = f(x, t)
        same_shape(x=x, slope=slope)
        if not slope.isfinite().all():
            raise SolverError(f"the field is NaN or infinite at t = {t:.6g}", t)
        return slope

    return field


def _first_step(
    slope: Field,
    x: Tensor,
    first: Tensor,
    t0: float,
    sign: float,
    wide: float,
    rtol: float,
    atol: float,
) -> tuple[float, int]:
    """A step that moves the state by a hundredth, tried once (Hairer's rule), and its calls."""
    scale = x.abs() * rtol + atol
    size, speed = rms(x / scale), rms(first / scale)
    h = 1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed
    h, calls = min(h, wide), 1
    while True:
        try:
            second = slope(x + sign * h * first, t0 + sign * h)
            break
        except SolverError:  # as in a step: too far, perhaps
            h, calls = h / 10, calls + 1
            if t0 + sign * h == t0:
                return h, calls
    largest = max(speed, rms((second - first) / scale) / h)
    longer = max(1e-6, 1e-3 * h) if largest <= 1e-15 else (0.01 / largest) ** 0.2
    return min(100 * h, longer, wide), calls


def _grid(steps: int | Sequence[float], t0: float, t1: float) -> list[float]:
    """The times of fixed steps, from t0 to t1."""
    times: Any = steps.tolist() if getattr(steps, "ndim", 0) else steps  # type: ignore[union-attr]
    if isinstance(times, Sequence) and not isinstance(times, str):
        grid = _in_order(times, t0, t1, "steps")
        if grid[0] != t0 or grid[-1] != t1:
            raise ValueError(f"the times of the steps go from {t0} to {t1}, got {shown(grid)}")
        return grid
    count = integer("steps", steps)
    if count < 1:
        raise ValueError(f"steps must be at least 1, got {count}")
    return [t0 + (t1 - t0) * i / count for i in range(count)] + [t1]


def _in_order(times: Sequence[float], t0: float, t1: float, name: str) -> list[float]:
    """Times as floats, between t0 and t1 and in the order in which a solve meets them."""
    listed, sign = [float(t) for t in times], math.copysign(1.0, t1 - t0)
    if not listed:
        raise ValueError(f"{name} must not be empty")
    for t in listed:
        if not (sign * (t - t0) >= 0 and sign * (t1 - t) >= 0):
            raise ValueError(f"{name} must lie between {t0} and {t1}, got {t}")
    for t, s in pairwise(listed):
        if sign * (s - t) <= 0:
            way = "descend" if sign < 0 else "ascend"
            raise ValueError(f"{name} must {way} strictly from {t0} to {t1}, got {t} before {s}")
    return listed
