"""Flow maps: learn where a curve of the flow leads, and go there in one jump.

FlowMap(model, path)                       X(x, t, s), the state at s of the curve through x at t
SolvedMap(denoiser)                        the same, by a fine solve
semigroup, lagrangian, eulerian            by how much a map misses each of its three equations
distillation, training                     losses of consistency models: X(x, t, 0) alone
shortcut, mean_flow, lagrangian_map        losses of flow maps between any two times
LOSSES                                     all of them by name
Target(network, decay)                     what a loss compares with: an average that owns itself
jump, renoise                              steps for ``genbook.sampling.states``
sample(flow_map, shape, calls)             one or a few of them
boundary_scales(t, first, data_std)        the scales of the first consistency models
inpaint, redraw                            editing without training

The module of the chapter ``consistency``. Time runs from the data at t = 0 to the noise.

References:
    Song, Dhariwal, Chen & Sutskever (2023), Consistency Models. Frans, Hafner, Levine & Abbeel
    (2025), One Step Diffusion via Shortcut Models. Geng, Deng, Bai, Kolter & He (2025), Mean Flows
    for One-step Generative Modeling. Boffi, Albergo & Vanden-Eijnden (2024), Flow Map Matching.
"""

from __future__ import annotations

from genbook.consistency.flow_map import (
    FlowMap,
    Map,
    Scales,
    SolvedMap,
    boundary_scales,
    eulerian,
    lagrangian,
    semigroup,
)
from genbook.consistency.losses import (
    LOSSES,
    Target,
    distillation,
    lagrangian_map,
    mean_flow,
    shortcut,
    training,
)
from genbook.consistency.steps import inpaint, jump, redraw, renoise, sample, states

__all__ = [
    "LOSSES",
    "FlowMap",
    "Map",
    "Scales",
    "SolvedMap",
    "Target",
    "boundary_scales",
    "distillation",
    "eulerian",
    "inpaint",
    "jump",
    "lagrangian",
    "lagrangian_map",
    "mean_flow",
    "redraw",
    "renoise",
    "sample",
    "semigroup",
    "shortcut",
    "states",
    "training",
]
