"""The 50 steps of a sampler, without the network: ours against diffusers' schedulers.

With t an integer for the whole batch, as samplers call it, and with t a tensor ``(B,)``, one time
for each sample, which diffusers' steps do not take: there its steps with an integer are the bar.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook import ddim, ddpm
from genbook.schedules import NoiseSchedule

T, STEPS = 1000, 50
# A batch of points in the plane, and one latent image of Stable Diffusion.
SHAPES = {"64×2": (64, 2), "4×64²": (1, 4, 64, 64)}
DDIM_TARGETS = {"64×2": 0.10, "4×64²": 0.12}
DDPM_TARGET = 0.20
# Where both draw the noise, both spend the same time in `torch.randn`: at 4×64² (16384 numbers) it
# is 0.42 of diffusers' step. So the draw is measured beside them and taken from both.
TENSOR_TARGET = 1.0


def ddim_steps(name: str) -> list[Comparison]:
    """From T to 0 with η = 0."""
    schedule, (xt, eps) = NoiseSchedule.linear(T), torch.randn(2, *SHAPES[name])
    times = ddim.timesteps(T, STEPS)

    def ours() -> None:
        for t, s in pairwise(times):
            ddim.step(schedule, xt, eps, t, s)

    peer = Peer(DDIM_TARGETS[name], lambda: diffusers_ddim(xt, eps))
    return compare(f"DDIM {name}", ours, {"diffusers": peer})


def ddpm_steps(name: str) -> list[Comparison]:
    """The last steps of the full chain, with the noise given to both, and drawn by both."""
    schedule, (xt, eps, noise) = NoiseSchedule.linear(T), torch.randn(3, *SHAPES[name])

    def given() -> None:
        for t in range(STEPS, 0, -1):
            ddpm.step(schedule, xt, eps, t, t - 1, noise)

    def drawn() -> None:
        for t in range(STEPS, 0, -1):
            ddpm.step(schedule, xt, eps, t, t - 1, torch.randn(xt.shape))

    def draws() -> None:
        for _ in range(STEPS):
            torch.randn(xt.shape)

    to_given = Peer(DDPM_TARGET, lambda: diffusers_ddpm(xt, eps, noise))
    to_drawn = Peer(DDPM_TARGET, lambda: diffusers_ddpm(xt, eps))
    return [
        *compare(f"DDPM {name}, noise given", given, {"diffusers": to_given}),
        *compare(f"DDPM {name}, less the draw", drawn, {"diffusers": to_drawn}, shared=draws),
    ]


def steps_with_tensors() -> list[Comparison]:
    """The same steps in the plane with a tensor of times."""
    schedule, (xt, eps, noise) = NoiseSchedule.linear(T), torch.randn(3, *SHAPES["64×2"])

    def batch(t: int) -> Tensor:
        return torch.full((len(xt),), t)

    path = [batch(t) for t in ddim.timesteps(T, STEPS)]
    chain = [batch(t) for t in range(STEPS, -1, -1)]

    def by_ddim() -> None:
        for t, s in pairwise(path):
            ddim.step(schedule, xt, eps, t, s)

    def by_ddpm() -> None:
        for t, s in pairwise(chain):
            ddpm.step(schedule, xt, eps, t, s, noise)

    to_ddim = Peer(TENSOR_TARGET, lambda: diffusers_ddim(xt, eps))
    to_ddpm = Peer(TENSOR_TARGET, lambda: diffusers_ddpm(xt, eps, noise))
    return [
        *compare("DDIM 64×2, t (B,)", by_ddim, {"diffusers, integer t": to_ddim}),
        *compare("DDPM 64×2, t (B,), noise given", by_ddpm, {"diffusers, integer t": to_ddpm}),
    ]


def diffusers_ddim(xt: Tensor, eps: Tensor) -> Work:
    from diffusers import DDIMScheduler

    peer: Any = DDIMScheduler(T, clip_sample=False, timestep_spacing="trailing")
    peer.set_timesteps(STEPS)
    times = peer.timesteps.tolist()  # integers: faster for it than its own tensors

    def steps() -> None:
        for t in times:
            peer.step(eps, t, xt)

    return steps


def diffusers_ddpm(xt: Tensor, eps: Tensor, noise: Tensor | None = None) -> Work:
    """Draws its noise, unless it is given."""
    from diffusers.schedulers import scheduling_ddpm as home

    peer: Any = home.DDPMScheduler(T, clip_sample=False)

    def steps() -> None:
        for t in range(STEPS - 1, -1, -1):
            peer.step(eps, t, xt)

    def with_noise() -> None:
        drawn = home.randn_tensor
        home.randn_tensor = lambda *_, **__: noise  # by hand: `mock.patch` would be timed, too
        try:
            steps()
        finally:
            home.randn_tensor = drawn

    return steps if noise is None else with_noise


def run() -> list[Comparison]:
    rows = [row for steps in (ddim_steps, ddpm_steps) for name in SHAPES for row in steps(name)]
    return rows + steps_with_tensors()
