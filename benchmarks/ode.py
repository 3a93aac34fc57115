"""Solvers of the probability flow: calls and time to a fixed error, and a whole sampler.

The field is that of an exact mixture, 64 points of it, from t = 1 to 0.05. Each solver gets the
largest tolerance of a ladder with which it errs by no more than 1e-6; then all are timed with
theirs. The sampler is DPM-Solver++(2M) with a free network, against the loop of diffusers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.harness import Comparison, Peer, Work, compare
from benchmarks.samplers import SHAPES, STEPS, T, checked, loop, parts
from genbook import ode
from genbook.gaussians import GaussianMixture
from genbook.paths import VP

T0, T1, BOUND = 1.0, 0.05, 1e-6
LADDER = [10 ** (-k / 12) for k in range(48, 133)]  # a coarser one gives some away, others not
Solver = Callable[[float], Tensor]


def mixture_field() -> tuple[Callable[[Tensor, float], Tensor], Tensor]:
    """The flow of a mixture of eight bells in the plane, and points at t = 1."""
    angles = torch.arange(8, dtype=torch.float64) * torch.pi / 4
    means = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    covariances = 0.05 * torch.eye(2, dtype=torch.float64).expand(8, 2, 2)
    mixture = GaussianMixture(torch.full((8,), 1 / 8, dtype=torch.float64), means, covariances)
    path = VP()
    field = ode.probability_flow(path, lambda x, t: mixture.at(*path.rates(t)).score(x))
    x = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return field, x


def to_an_error() -> list[Comparison]:
    """Time and calls until the error is at most 1e-6."""
    field, x = mixture_field()
    exact = ode.solve(field, x, T0, T1, rtol=1e-12, atol=1e-12)
    calls = 0

    def counted(y: Tensor, t: float) -> Tensor:
        nonlocal calls
        calls += 1
        # A peer that steps over the end and comes back asks outside of the path.
        return field(y, min(T0, max(1e-4, t)))

    def ours(tolerance: float) -> Tensor:
        return ode.solve(counted, x, T0, T1, rtol=tolerance, atol=tolerance)

    def torchdiffeq() -> Solver:
        from torchdiffeq import odeint

        times = torch.tensor([T0, T1], dtype=torch.float64)

        def solve(tolerance: float) -> Tensor:
            options = {"rtol": tolerance, "atol": tolerance, "method": "dopri5"}
            with torch.no_grad():
                return odeint(lambda t, y: counted(y, t.item()), x, times, **options)[-1]

        return solve

    def scipy() -> Solver:
        from scipy.integrate import solve_ivp

        def flat(t: float, y: np.ndarray) -> np.ndarray:
            return counted(torch.from_numpy(y).reshape(x.shape), t).flatten().numpy()

        def solve(tolerance: float) -> Tensor:
            found = solve_ivp(flat, (T0, T1), x.flatten().numpy(), rtol=tolerance, atol=tolerance)
            return torch.from_numpy(found.y[:, -1].copy()).reshape(x.shape)

        return solve

    spent: dict[str, int] = {}

    def tuned(name: str, solver: Solver) -> Work:
        nonlocal calls
        for tolerance in LADDER:
            calls = 0
            error = (solver(tolerance) - exact).square().mean().sqrt().item()
            if error <= BOUND:
                spent[name] = calls
                return lambda: solver(tolerance)
        raise RuntimeError(f"{name} never reaches an error of {BOUND:g}")

    work = "flow of a mixture to 1e-6"
    makers = {"torchdiffeq": torchdiffeq, "solve_ivp": scipy}
    peers = {
        name: Peer(0.7, lambda name=name, make=make: tuned(name, make()))
        for name, make in makers.items()
    }
    rows = compare(work, tuned("ours", ours), peers, rounds=15)
    counts = []
    for name in makers:
        if name not in spent:
            continue
        ratio = spent["ours"] / spent[name]
        own, other = float(spent["ours"]), float(spent[name])
        counts.append(
            Comparison(f"{work}, calls", name, 1.0, own, other, ratio, ratio, ratio, rounds=1)
        )
    return rows + counts


def two_m(name: str) -> list[Comparison]:
    """Fifty steps of DPM-Solver++(2M) on the chain, with a free network."""
    shape, (network, schedule, generator) = SHAPES[name], parts(name)

    def ours() -> Tensor:
        return ode.dpm_solver_pp(
            network, schedule, shape, STEPS, generator=generator, spacing="linear"
        )

    def theirs() -> Work:
        from diffusers import DPMSolverMultistepScheduler

        peer: Any = DPMSolverMultistepScheduler(
            T, algorithm_type="dpmsolver++", timestep_spacing="trailing", final_sigmas_type="zero"
        )

        def fresh() -> Tensor:
            return loop(peer, STEPS, network, shape, generator)()  # it remembers: set anew

        return checked(ours, fresh, generator)

    return compare(f"2M sampler {name}, {STEPS} steps", ours, {"diffusers": Peer(0.37, theirs)})


def run() -> list[Comparison]:
    return [*to_an_error(), *two_m("64×2"), *two_m("4×64²")]
