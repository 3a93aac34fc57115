"""Whole samplers, from x_T to x_0: ours against the loop around diffusers' schedulers.

What users run. The network is free: it returns a stored tensor, so that only the sampler's own
work is left, which is to draw x_T and the noise, to call the network, and to step. Both draw the
same numbers from a generator and must end in the same x_0; that is checked before they are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook import ddim, ddpm
from genbook.schedules import NoiseSchedule

T, STEPS = 1000, 50
SHAPES = {"64×2": (64, 2), "4×64²": (1, 4, 64, 64)}
TARGET = 0.35
# Both draw x_T, and noise in every step, by the same calls of `torch.randn`: at 4×64² that is 0.42
# of diffusers' loop. So the draws are measured beside them and taken from both.

Network = Callable[..., Tensor]


def ddpm_sample(name: str) -> list[Comparison]:
    """The full chain of T steps."""
    shape, (network, schedule, generator) = SHAPES[name], parts(name)

    def ours() -> Tensor:
        return ddpm.sample(network, schedule, shape, generator=generator)

    def theirs() -> Work:
        from diffusers import DDPMScheduler

        peer: Any = DDPMScheduler(T, clip_sample=False)
        return checked(ours, loop(peer, T, network, shape, generator), generator)

    peers = {"diffusers": Peer(TARGET, theirs)}
    return compare(
        f"ddpm.sample {name}, {T} steps", ours, peers, rounds=15, shared=draws(shape, generator, T)
    )


def ddim_sample(name: str, eta: float) -> list[Comparison]:
    """Fifty steps, without noise (η = 0) and with it (η = 1)."""
    shape, (network, schedule, generator) = SHAPES[name], parts(name)

    def ours() -> Tensor:
        return ddim.sample(network, schedule, shape, STEPS, eta, generator=generator)

    def theirs() -> Work:
        from diffusers import DDIMScheduler

        peer: Any = DDIMScheduler(T, clip_sample=False, timestep_spacing="trailing")
        return checked(ours, loop(peer, STEPS, network, shape, generator, eta=eta), generator)

    return compare(
        f"ddim.sample {name}, {STEPS} steps, η = {eta:g}",
        ours,
        {"diffusers": Peer(TARGET, theirs)},
        shared=draws(shape, generator, STEPS) if eta else None,
    )


def parts(name: str) -> tuple[Network, NoiseSchedule, torch.Generator]:
    """The free network, the schedule, and a generator for both contenders."""
    generator = torch.Generator().manual_seed(0)
    stored = torch.randn(SHAPES[name], generator=generator)
    return (lambda x, t, cond=None: stored), NoiseSchedule.linear(T), generator


def draws(shape: tuple[int, ...], generator: torch.Generator, steps: int) -> Work:
    """x_T and the noise of all steps but the last, which adds none: what both draw."""

    def draw() -> None:
        for _ in range(steps):
            torch.randn(shape, generator=generator)

    return draw


def loop(
    peer: Any,
    steps: int,
    network: Network,
    shape: tuple[int, ...],
    generator: torch.Generator,
    **options: float,
) -> Callable[[], Tensor]:
    """The loop of diffusers' pipelines, over integers: faster for it than its own tensors."""
    peer.set_timesteps(steps)
    times = peer.timesteps.tolist()

    @torch.no_grad()
    def sample() -> Tensor:
        x = torch.randn(shape, generator=generator)
        for t in times:
            x = peer.step(network(x, t), t, x, generator=generator, **options).prev_sample
        return x

    return sample


def checked(
    ours: Callable[[], Tensor], theirs: Callable[[], Tensor], generator: torch.Generator
) -> Work:
    """Theirs, if it makes of the same seed what ours makes."""
    ends = [work() for work in (ours, theirs) if generator.manual_seed(1)]
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-3)  # a thousand steps in float32
    return theirs


def run() -> list[Comparison]:
    chains = [row for name in SHAPES for row in ddpm_sample(name)]
    return chains + [row for eta in (0.0, 1.0) for name in SHAPES for row in ddim_sample(name, eta)]
