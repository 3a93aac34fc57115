"""The exact density of a flow's samples, and the code of each of them.

Along a flow dx/dt = f the density changes by the divergence of f alone,

    d/dt log p_t(x_t) = −∇·f(x_t, t),

so log p of a state is that of its noise plus the divergence, added up on the way.

References:
    Chen et al. (2018), Neural Ordinary Differential Equations, theorem 1. Grathwohl et al. (2019),
    FFJORD, for the estimate of the divergence. Song et al. (2021), appendix D.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from genbook.arguments import choice, finite, integer
from genbook.denoiser import Denoiser, Model
from genbook.ode.flows import path_flow
from genbook.ode.methods import Field
from genbook.ode.solver import rms, solve
from genbook.paths import Path, Prediction
from genbook.paths.base import ContinuousPath
from genbook.sampling import randn_like

__all__ = ["change_of_variables", "decode", "encode", "log_likelihood"]

Trace = Literal["exact", "hutchinson"]


def change_of_variables(
    f: Field,
    x: Tensor,
    t0: float,
    t1: float,
    *,
    trace: Trace = "exact",
    probes: int = 1,
    generator: torch.Generator | None = None,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    **options: Any,
) -> tuple[Tensor, Tensor]:
    """The state at t1, and ∫ ∇·f dt on the way: log p_0(x) = log p_1(x_1) + the integral.

    Args:
        f: the field; ``f(x, t)`` is differentiated by x, sample by sample.
        x: the state at t0, shape ``(B, …)``.
        trace: "exact" adds D derivatives up; "hutchinson" estimates the sum as the mean of
            zᵀ (∂f/∂x) z over ``probes`` vectors z of random signs, one backward pass each. They are
            kept for the whole solve, so the field that is integrated is smooth.
        generator: of the signs.
        rtol, atol, options: see :func:`~genbook.ode.solve`. The integrals are held to the
            tolerance by themselves, beside the states.

    Returns:
        The state ``(B, …)`` and the integral ``(B,)``, in nats.
    """
    choice("trace", trace, Trace)
    finite(x=x)
    if "at" in options:
        raise ValueError(
            "the change of variables is known at t1 alone: solve again for other times"
        )
    signs = None
    if trace == "hutchinson":
        if integer("probes", probes) < 1:
            raise ValueError(f"probes must be at least 1, got {probes}")
        draws = [randn_like(x, generator) for _ in range(probes)]
        signs = [torch.where(draw < 0, -1.0, 1.0).to(x) for draw in draws]
    count, size = len(x), x[0].numel()

    def joint(state: Tensor, t: float) -> Tensor:
        """The field, and beside it the divergence: what is added up."""
        slope, divergence = _with_divergence(f, state[:, :size].reshape(x.shape), t, signs)
        return torch.cat([slope.reshape(count, size), divergence[:, None]], 1)

    start = torch.cat([x.reshape(count, size), x.new_zeros(count, 1)], 1)

    def norm(error: Tensor) -> float:
        """One integral beside many entries would hardly count in one mean of all."""
        return max(rms(error[:, :size]), rms(error[:, size]))

    end = solve(joint, start, t0, t1, rtol=rtol, atol=atol, **({"norm": norm} | options))
    return end[:, :size].reshape(x.shape), end[:, size]


def log_likelihood(
    model: Model,
    path: Path,
    x: Tensor,
    cond: Any = None,
    *,
    start: float = 1e-3,
    prior: Callable[[Tensor], Tensor] | None = None,
    prediction: Prediction = "eps",
    **options: Any,
) -> Tensor:
    """log p(x) in nats, ``(B,)``: the density of what the flow makes of the prior, at x.

        log p(x) = log p_T(x_T) + ∫ ∇·v dt    from ``start`` to the path's end

    Args:
        model: called as ``model(x, t, cond)``.
        path: one on which the network can be asked at any time.
        x: states of the time ``start``, shape ``(B, …)``.
        cond: passed on to the model.
        start: their time. At t = 0 the velocity of most paths is infinite; and data on a grid, such
            as grey levels, have no density there.
        prior: log p_T, ``(B, …) → (B,)``; by default that of the sampler's noise.
        prediction: what the model predicts.
        options: see :func:`change_of_variables`. The tolerances bound the error of a step, as a
            root mean square over the batch. What this comes to, on a mixture: with a tenth of
            both, no image's log p moves by more than 100 times the larger (tested).

    Raises:
        ValueError: a ``start`` that is no time of the path, or at which the velocity is infinite;
            else see :func:`~genbook.ode.solve`.
    """
    start, flow = _from(path, start), path_flow(Denoiser(model, path, prediction), cond)
    noise, integral = change_of_variables(flow, x, start, path.end, **options)
    return (_normal(noise, path.prior_std) if prior is None else prior(noise)) + integral


def encode(
    model: Model,
    path: Path,
    x: Tensor,
    cond: Any = None,
    *,
    start: float = 1e-3,
    prediction: Prediction = "eps",
    **options: Any,
) -> Tensor:
    """The code x_T of a state x of the time ``start``: the flow, followed up to the noise.

    Arguments as for :func:`log_likelihood`; options are those of :func:`~genbook.ode.solve`.
    """
    start, flow = _from(path, start), path_flow(Denoiser(model, path, prediction), cond)
    return solve(flow, x, start, path.end, **options)


def decode(
    model: Model,
    path: Path,
    xT: Tensor,
    cond: Any = None,
    *,
    start: float = 1e-3,
    prediction: Prediction = "eps",
    **options: Any,
) -> Tensor:
    """The state at ``start`` whose code is xT: :func:`encode`, the other way."""
    start, flow = _from(path, start), path_flow(Denoiser(model, path, prediction), cond)
    return solve(flow, xT, path.end, start, **options)


def _with_divergence(
    f: Field, x: Tensor, t: float, signs: list[Tensor] | None
) -> tuple[Tensor, Tensor]:
    """f(x, t), and its divergence ``(B,)``: exact, or as the signs estimate it."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        slope = f(x, t)
        if not slope.requires_grad:
            raise ValueError(
                f"the field at t = {t:.6g} has no derivative by x: is it under no_grad?"
            )
        divergence = x.new_zeros(len(x))
        if signs is not None:
            for z in signs:
                (pulled,) = torch.autograd.grad(slope, x, z, retain_graph=True)
                divergence = divergence + (pulled * z).flatten(1).sum(1) / len(signs)
        else:
            entries = slope.flatten(1).sum(0)
            for i in range(len(entries)):
                (row,) = torch.autograd.grad(entries[i], x, retain_graph=True)
                divergence = divergence + row.flatten(1)[:, i]
    return slope.detach(), divergence.detach()


def _from(path: Path, start: float) -> float:
    """The time at which a flow starts or ends, if the path has one."""
    if not isinstance(path, ContinuousPath):
        raise TypeError(f"{path!r} has no flow between its times: see genbook.sde.on_path")
    return path.time(start)


def _normal(x: Tensor, std: float) -> Tensor:
    """log N(x; 0, std² I), summed over a sample's entries."""
    flat = x.flatten(1) / std
    return -(flat.square().sum(1) + flat.shape[1] * math.log(2 * math.pi * std**2)) / 2
