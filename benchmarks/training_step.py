"""A training step of the digits U-Net against two public DDPM U-Nets with as many parameters.

16×16 images, batch 64, one channel, no labels. The same work for all: draw times and noise, noise
the batch, predict eps, squared error, backward, one step of the same fused Adam. Twice: with 2×2
pixels folded into channels, the peers' before their network and back behind it as ours does, and
with nothing folded for anybody.

Each network is the kind that its library builds by default, scaled to our number of parameters. A
width that convolutions do not like would flatter us: diffusers' (18, 36) takes a fifth longer than
(24, 32), with fewer multiplications. So it has (24, 32), 1.02 of our parameters and 1.03 of our
multiplications. denoising-diffusion-pytorch has attention in every level, and for 0.95 of our
parameters 1.14 of our multiplications (folded) and 1.25.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook import ddpm
from genbook.nn import UNet
from genbook.recipes import DigitsDDPM
from genbook.schedules import NoiseSchedule

SHAPE = (64, 1, 16, 16)
TOLERANCE = 0.1  # by which the numbers of parameters may differ
TARGETS = {"diffusers": 0.65, "denoising-diffusion-pytorch": 0.4}
# What a peer's module imports for its own data loader and FID, which we do not use: torchvision
# does not load beside every build of torch.
UNUSED = (
    *("torchvision", "accelerate", "ema_pytorch"),
    *("pytorch_fid", "pytorch_fid.fid_score", "pytorch_fid.inception"),
)


class Folded(nn.Module):
    """A peer's network on images whose squares of pixels are folded into channels, and back."""

    def __init__(self, network: nn.Module, patch: int) -> None:
        super().__init__()
        self.network, self.patch = network, patch
        # What denoising-diffusion-pytorch asks its networks for.
        self.channels = self.out_dim = SHAPE[1]
        self.self_condition = False

    def forward(self, x: Tensor, t: Tensor, *_: object) -> Tensor:
        out = self.network(F.pixel_unshuffle(x, self.patch), t)
        return F.pixel_shuffle(out if isinstance(out, Tensor) else out.sample, self.patch)


def stepper(model: nn.Module, loss: Callable[[], Tensor]) -> Work:
    """One step of training as a function without arguments."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return step


def parameters(model: nn.Module) -> int:
    """The number of trained parameters."""
    return sum(p.numel() for p in model.parameters())


def ours(x: Tensor, patch: int) -> tuple[nn.Module, Work]:
    """The network of the recipe ``digits-ddpm``, without labels, and ``ddpm.loss``."""
    model = UNet(**{**DigitsDDPM.network, "patch": patch})
    schedule = NoiseSchedule.linear(1000)
    return model, stepper(model, lambda: ddpm.loss(model, schedule, x))


def diffusers(x: Tensor, patch: int) -> tuple[nn.Module, Work]:
    """``UNet2DModel`` without attention, ``DDPMScheduler.add_noise`` and the squared error."""
    from diffusers import DDPMScheduler, UNet2DModel

    network: Any = UNet2DModel(
        sample_size=SHAPE[-1] // patch,
        in_channels=patch**2,
        out_channels=patch**2,
        layers_per_block=1,
        block_out_channels=(24, 32),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=8,
        add_attention=False,
    )
    model = Folded(network, patch)
    scheduler: Any = DDPMScheduler(1000)

    def loss() -> Tensor:
        t = torch.randint(1000, (len(x),))
        eps = torch.randn_like(x)
        return (model(scheduler.add_noise(x, eps, t), t) - eps).square().mean()

    return model, stepper(model, loss)


def lucidrains(x: Tensor, patch: int) -> tuple[nn.Module, Work]:
    """``Unet`` and ``GaussianDiffusion`` of denoising-diffusion-pytorch, predicting eps."""
    absent = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update({name: MagicMock() for name in absent})
    try:
        import denoising_diffusion_pytorch as peer
    finally:
        for name in absent:
            del sys.modules[name]

    model = Folded(peer.Unet(dim=14, dim_mults=(1, 2), channels=patch**2), patch)
    diffusion = peer.GaussianDiffusion(model, image_size=SHAPE[-1], objective="pred_noise")
    x = (x + 1) / 2  # it takes images in [0, 1]
    return model, stepper(model, lambda: diffusion(x))


def steps(patch: int) -> list[Comparison]:
    """Ours against each peer, all folded alike.

    Raises:
        ValueError: if a peer has a number of parameters too far from ours.
    """
    x = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    model, step = ours(x, patch)

    def peer(name: str, build: Callable[[Tensor, int], tuple[nn.Module, Work]]) -> Peer:
        def work() -> Work:
            other, other_step = build(x, patch)
            ratio = parameters(other) / parameters(model)
            if abs(ratio - 1) > TOLERANCE:
                raise ValueError(f"{name} has {ratio:.2f} times our parameters: not the same work")
            return other_step

        return Peer(TARGETS[name], work)

    peers = {
        name: peer(name, build)
        for name, build in (("diffusers", diffusers), ("denoising-diffusion-pytorch", lucidrains))
    }
    kind = f"folded {patch}×{patch}" if patch > 1 else "not folded"
    return compare(f"U-Net training step, 64×16², {kind}", step, peers, rounds=15)


def run() -> list[Comparison]:
    return [*steps(patch=2), *steps(patch=1)]
