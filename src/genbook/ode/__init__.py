"""The probability-flow ODE: the way from noise to data without dice, and the solvers that walk it.

probability_flow(sde, score)              the field f − ½ g² score in the time t
path_flow, noise_flow                     the same of a denoiser, in t and in σ = b/a
solve(f, x, t0, t1, method, steps)        Euler, Heun, RK4, Dormand–Prince; adaptive without steps
euler_step, heun_step, rk4_step           one step of any field
euler, heun, rk4, exponential, Multistep  steps of samplers, for ``genbook.sampling.states``
sample(model, path, shape, steps, …)      a sampler of any of them; ``dpm_solver_pp`` is one
edm_times, log_snr_times, ratio           where the steps are put
tableau(sampler, calls)                   the table of a sampler that only multiplies and adds
Preconditioned(network, path, data_std)   what a network is asked for, by Karras et al.
log_likelihood(model, path, x)            the exact density, by the change of variables
encode, decode                            an image's code, and back

The module of the chapter ``ode``. Time runs from the data at t = 0 to the noise; a solve down to
the data has t1 < t0.

References:
    Song et al. (2021), Score-Based Generative Modeling through SDEs, for the flow and its
    likelihood. Karras, Aittala, Aila & Laine (2022), Elucidating the Design Space. Lu et al.
    (2022), DPM-Solver and DPM-Solver++. Hairer, Nørsett & Wanner (1993), Solving Ordinary
    Differential Equations I.
"""

from __future__ import annotations

from genbook.ode.flows import Field, noise_flow, path_flow, probability_flow
from genbook.ode.grids import edm_times, log_snr_times, ratio, time_of
from genbook.ode.likelihood import change_of_variables, decode, encode, log_likelihood
from genbook.ode.methods import dopri5_step, euler_step, heun_step, rk4_step
from genbook.ode.preconditioning import Preconditioned, Scales, preconditioning
from genbook.ode.samplers import (
    Multistep,
    dpm_solver_pp,
    euler,
    exponential,
    heun,
    rk4,
    sample,
    states,
)
from genbook.ode.solver import Solution, SolverError, integrate, solve
from genbook.ode.tableau import Tableau, tableau

__all__ = [
    "Field",
    "Multistep",
    "Preconditioned",
    "Scales",
    "Solution",
    "SolverError",
    "Tableau",
    "change_of_variables",
    "decode",
    "dopri5_step",
    "dpm_solver_pp",
    "edm_times",
    "encode",
    "euler",
    "euler_step",
    "exponential",
    "heun",
    "heun_step",
    "integrate",
    "log_likelihood",
    "log_snr_times",
    "noise_flow",
    "path_flow",
    "preconditioning",
    "probability_flow",
    "ratio",
    "rk4",
    "rk4_step",
    "sample",
    "solve",
    "states",
    "tableau",
    "time_of",
]
