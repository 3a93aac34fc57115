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
from genbook import ddim, ddpm, sde
from genbook.denoiser import Denoiser
from genbook.schedules import NoiseSchedule

T, STEPS = 1000, 50
# A batch of points in the plane, and one latent image of Stable Diffusion.
SHAPES = {"64×2": (64, 2), "4×64²": (1, 4, 64, 64)}
DDIM_TARGETS = {"64×2": 0.10, "4×64²": 0.12}
DDPM_TARGET = 0.20
PROCESS_TARGET = 0.20
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


def process_steps(name: str) -> list[Comparison]:
    """Down the processes: Euler–Maruyama on VP, reverse diffusion on VE, the noise drawn by both.

    With all that a step does when a sampler calls it: our denoiser is asked, and its score made of
    what the network says.
    """
    x, said = torch.randn(2, *SHAPES[name])
    vp, ve = sde.VPSDE(0.1, 20.0), sde.VESDE(0.01, 50.0)
    on_vp = Denoiser(lambda *_: said, vp)
    on_ve = Denoiser(lambda *_: said, ve, "score")
    times = vp.times(STEPS + 1)[:-1]  # the step to 0 would draw nothing

    def by_euler() -> None:
        for t, s in pairwise(times):
            sde.euler_maruyama(on_vp, x, t, s)

    def by_mirror() -> None:
        for t, s in pairwise(times):
            sde.reverse_diffusion(on_ve, x, t, s)

    def draws() -> None:
        for _ in range(STEPS):
            torch.randn(x.shape)

    to_vp = Peer(PROCESS_TARGET, lambda: diffusers_vp(x, said))
    to_ve = Peer(PROCESS_TARGET, lambda: diffusers_ve(x, said))
    return [
        *compare(f"Euler–Maruyama {name}", by_euler, {"diffusers": to_vp}, shared=draws),
        *compare(f"reverse diffusion {name}", by_mirror, {"diffusers": to_ve}, shared=draws),
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


def diffusers_vp(x: Tensor, eps: Tensor) -> Work:
    from diffusers.schedulers.deprecated.scheduling_sde_vp import ScoreSdeVpScheduler

    peer: Any = ScoreSdeVpScheduler(STEPS, beta_min=0.1, beta_max=20)
    peer.set_timesteps(STEPS)

    def steps() -> None:
        for t in peer.timesteps:
            peer.step_pred(eps, x, t)

    return steps


def diffusers_ve(x: Tensor, score: Tensor) -> Work:
    from diffusers import ScoreSdeVeScheduler

    peer: Any = ScoreSdeVeScheduler(STEPS, sigma_min=0.01, sigma_max=50.0)
    peer.set_timesteps(STEPS)
    peer.set_sigmas(STEPS)

    def steps() -> None:
        for t in peer.timesteps:
            peer.step_pred(score, t, x)

    return steps


def run() -> list[Comparison]:
    rows = [
        row
        for steps in (ddim_steps, ddpm_steps, process_steps)
        for name in SHAPES
        for row in steps(name)
    ]
    return rows + steps_with_tensors()
