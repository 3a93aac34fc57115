"""The 50 steps of a sampler, without the network: ours against diffusers' schedulers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from unittest.mock import patch

import torch
from diffusers import DDIMScheduler, DDPMScheduler

from benchmarks.harness import Comparison, compare
from genbook import ddim, ddpm
from genbook.schedules import NoiseSchedule

STEPS = 50
# A batch of points in the plane, and one latent image of Stable Diffusion.
SHAPES = {"64×2": (64, 2), "4×64²": (1, 4, 64, 64)}
DDIM_TARGETS = {"64×2": 0.10, "4×64²": 0.12}
DDPM_TARGET = 0.20
DRAW = "diffusers.schedulers.scheduling_ddpm.randn_tensor"


def ddim_steps(name: str) -> list[Comparison]:
    """From T to 0 with η = 0."""
    schedule, (xt, eps) = NoiseSchedule.linear(1000), torch.randn(2, *SHAPES[name])
    times = ddim.timesteps(1000, STEPS)
    peer: Any = DDIMScheduler(1000, clip_sample=False, timestep_spacing="trailing")
    peer.set_timesteps(STEPS)
    peer_times = peer.timesteps.tolist()  # integers: faster for it than its own tensors

    def ours() -> None:
        for t, s in pairwise(times):
            ddim.step(schedule, xt, eps, t, s)

    def theirs() -> None:
        for t in peer_times:
            peer.step(eps, t, xt)

    return compare(f"DDIM {name}", ours, {"diffusers": (theirs, DDIM_TARGETS[name])})


def ddpm_steps(name: str) -> list[Comparison]:
    """The last steps of the full chain, with the noise given to both, and drawn by both."""
    schedule, (xt, eps, noise) = NoiseSchedule.linear(1000), torch.randn(3, *SHAPES[name])
    peer: Any = DDPMScheduler(1000, clip_sample=False)

    def ours() -> None:
        for t in range(STEPS, 0, -1):
            ddpm.step(schedule, xt, eps, t, t - 1, noise)

    def ours_drawn() -> None:
        for t in range(STEPS, 0, -1):
            ddpm.step(schedule, xt, eps, t, t - 1, torch.randn(xt.shape))

    def theirs() -> None:
        with patch(DRAW, lambda *_, **__: noise):
            theirs_drawn()

    def theirs_drawn() -> None:
        for t in range(STEPS - 1, -1, -1):
            peer.step(eps, t, xt)

    given = compare(f"DDPM {name}, noise given", ours, {"diffusers": (theirs, DDPM_TARGET)})
    # For 4×64² the target is missed: drawing 16384 normal numbers, which both have to do, takes 0.4
    # of diffusers' whole step. The rows with the noise given show the step itself.
    return given + compare(f"DDPM {name}", ours_drawn, {"diffusers": (theirs_drawn, DDPM_TARGET)})


def run() -> list[Comparison]:
    return [c for steps in (ddim_steps, ddpm_steps) for name in SHAPES for c in steps(name)]
