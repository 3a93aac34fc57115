"""The flow map X(x, t, s), and the three equations by which it can be told from any other map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import jvp

from genbook.arguments import tensors
from genbook.denoiser import Denoiser, Model
from genbook.ode import path_flow, solve
from genbook.paths import Coefficient, Path, Prediction, factors

__all__ = [
    "FlowMap",
    "Map",
    "Scales",
    "SolvedMap",
    "boundary_scales",
    "eulerian",
    "lagrangian",
    "semigroup",
]

Map = Callable[..., Tensor]
"""Called as ``flow_map(x, t, s, cond)``: the state at s of the curve that is at x at time t."""

Velocity = Callable[[Tensor, Any, Any], Tensor]
"""Called as ``velocity(x, t, cond)``: dx/dt of the flow."""


class Scales(NamedTuple):
    """X = skip · x + out · F."""

    skip: Coefficient
    out: Coefficient


class FlowMap:
    """A network as a map from any time of a path to any other.

        X(x, t, s) = c_skip x + c_out F(x, t, s)

    It is DDIM's jump, X = a_s x̂_0 + b_s ê, by a network that was told where the jump ends. At
    s = t the factors are 1 and 0, whatever the network says: a map that goes nowhere stays.

    Args:
        model: called as ``model(x, t, (s, cond))``, t and s tensors ``(B,)``.
        path: continuous.
        prediction: what the network answers with. On the straight path with the velocity c_skip is
            1 and c_out is s − t: F is the mean velocity on the way.
    """

    def __init__(self, model: Model, path: Path, prediction: Prediction = "velocity"):
        self.model, self.path, self.prediction = model, path, prediction

    def __call__(self, x: Tensor, t: Any, s: Any, cond: Any = None) -> Tensor:
        """The state at s ``(B, …)``, from the state x at time t. One call of the network.

        Raises:
            TypeError, ValueError: t or s is no time of the path, or not one for each
            sample.
        """
        tensors(x=x)
        skip, out = self.scales(t, s, x)
        return skip * x + out * self.network(x, t, s, cond)

    def network(self, x: Tensor, t: Any, s: Any, cond: Any = None) -> Tensor:
        """F(x, t, s): what the network says."""
        when = self.path.network_time
        return self.model(x, when(x, t), (when(x, s), cond))

    def scales(self, t: Any, s: Any, like: Tensor | None = None) -> Scales:
        """c_skip and c_out: the factors of x and of the network in a_s x̂_0 + b_s ê."""
        slopes = self.path.derivatives(t, like) if self.prediction == "velocity" else ()
        rates = (*self.path.rates(t, like), *slopes)
        a, b = self.path.rates(s, like)
        x0 = factors(self.prediction, "x0", *rates)
        eps = factors(self.prediction, "eps", *rates)
        return Scales(a * x0[0] + b * eps[0], a * x0[1] + b * eps[1])

    def diagonal(self, x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        """F(x, t, t): the network as a plain one of one time, for a denoiser or a solver."""
        return self.model(x, t, (t, cond))

    def velocity(self, x: Tensor, t: Any, cond: Any = None) -> Tensor:
        """dx/dt at (x, t): what the map does in its first instant, ∂_s X at s = t."""
        return Denoiser(self.diagonal, self.path, self.prediction)(x, t, cond).velocity


class SolvedMap:
    """The flow map of a denoiser by a fine solve: slow, and right to the tolerance.

    Args:
        denoiser: on a continuous path; its velocity is the field.
        tolerance: of the solver, absolute and relative.
    """

    def __init__(self, denoiser: Denoiser, tolerance: float = 1e-9):
        self.denoiser, self.path, self.tolerance = denoiser, denoiser.path, tolerance

    def __call__(self, x: Tensor, t: float, s: float, cond: Any = None) -> Tensor:
        """The state at s, from the state x ``(B, …)`` at t; t and s are numbers.

        Raises:
            TypeError, ValueError: a time that is no number, or lies off the path.
        """
        for time in (t, s):
            if isinstance(time, Tensor) and time.ndim:
                shape = tuple(time.shape)
                raise TypeError(f"a solve takes one time for all, got some: {shape}")
            self.path.rates(time)
        if t == s:
            return x.clone()
        field = path_flow(self.denoiser, cond)
        return solve(field, x, t, s, rtol=self.tolerance, atol=self.tolerance)

    def velocity(self, x: Tensor, t: Any, cond: Any = None) -> Tensor:
        """The field itself."""
        return self.denoiser(x, t, cond).velocity


def semigroup(flow_map: Map, x: Tensor, t: Any, m: Any, s: Any, cond: Any = None) -> Tensor:
    """By how much two jumps differ from one: X(X(x, t, m), m, s) − X(x, t, s)."""
    return flow_map(flow_map(x, t, m, cond), m, s, cond) - flow_map(x, t, s, cond)


def lagrangian(
    flow_map: Map, velocity: Velocity, x: Tensor, t: Tensor, s: Tensor, cond: Any = None
) -> Tensor:
    """By how much the jump's *end* leaves the field: ∂_s X(x, t, s) − v(X(x, t, s), s).

    Args:
        flow_map: differentiable.
        velocity: the field v.
        x: states ``(B, …)`` at the times t.
        t, s: tensors ``(B,)``.
        cond: passed on to both.
    """
    tensors(t=t, s=s)

    def end(s: Tensor) -> Tensor:
        return flow_map(x, t, s, cond)

    there, moved = jvp(end, (s,), (torch.ones_like(s),))  # type: ignore[misc]
    return moved - velocity(there, s, cond)


def eulerian(
    flow_map: Map, velocity: Velocity, x: Tensor, t: Tensor, s: Tensor, cond: Any = None
) -> Tensor:
    """By how much the end moves when the *start* moves along its curve: ∂_t X + (∂_x X) v(x, t).

    Both terms come from one product of the Jacobian and the direction (v, 1). Arguments as for
    :func:`lagrangian`.
    """
    tensors(t=t, s=s)

    def end(x: Tensor, t: Tensor) -> Tensor:
        return flow_map(x, t, s, cond)

    return jvp(end, (x, t), (velocity(x, t, cond), torch.ones_like(t)))[1]


def boundary_scales(t: Coefficient, first: float = 0.002, data_std: float = 0.5) -> Scales:
    """c_skip and c_out of the consistency function f(x, t) = c_skip x + c_out F(x, t).

        c_skip = s² / ((t − ε)² + s²),    c_out = s (t − ε) / √(s² + t²)

    for x = x_0 + t eps and data of standard deviation s. Karras's scales, moved by ε such that
    f(x, ε) = x.

    Raises:
        ValueError: a time below ``first``, which is ε, or data without a spread.

    References:
        Song et al. (2023), Consistency Models, appendix C.
    """
    if not 0 < data_std < float("inf"):
        raise ValueError(f"data_std must be a positive number, got {data_std}")
    if not bool((torch.as_tensor(t) >= first).all()):
        raise ValueError(f"times must be at least {first}, where the data are taken to be; got {t}")
    gap, variance = t - first, data_std**2
    return Scales(variance / (gap**2 + variance), data_std * gap / (variance + t**2) ** 0.5)
