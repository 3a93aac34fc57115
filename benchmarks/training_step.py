"""A training step of the digits U-Net against two public DDPM U-Nets with as many parameters.

16x16 images, batch 64, one channel, no labels. The same work for all: draw times and noise,
noise the batch, predict eps, squared error, backward, one step of the same fused Adam. Each
network is the kind that its library builds by default, scaled to our number of parameters; ours
folds 2x2 pixels into channels.
"""

import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import torch
from torch import Tensor, nn

from benchmarks.harness import Comparison, compare
from genbook import ddpm
from genbook.nn import UNet
from genbook.recipes import DigitsDDPM
from genbook.schedules import NoiseSchedule

SHAPE = (64, 1, 16, 16)
TOLERANCE = 0.1  # by which the numbers of parameters may differ
TARGETS = {"diffusers": 0.65, "denoising-diffusion-pytorch": 0.5}

UNUSED = (
    *("torchvision", "accelerate", "ema_pytorch"),
    *("pytorch_fid", "pytorch_fid.fid_score", "pytorch_fid.inception"),
)

Step = Callable[[], None]


def stepper(model: nn.Module, loss: Callable[[], Tensor]) -> Step:
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


def ours(x: Tensor) -> tuple[nn.Module, Step]:
    """The network of the recipe `digits-ddpm`, without labels, and `ddpm.loss`."""
    model = UNet(**DigitsDDPM.network)
    schedule = NoiseSchedule.linear(1000)
    return model, stepper(model, lambda: ddpm.loss(model, schedule, x))


def diffusers(x: Tensor) -> tuple[nn.Module, Step]:
    """`UNet2DModel` without attention, `DDPMScheduler.add_noise` and the squared error."""
    from diffusers import DDPMScheduler, UNet2DModel

    model: Any = UNet2DModel(
        sample_size=SHAPE[-1],
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(18, 36),
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        norm_num_groups=6,
        add_attention=False,
    )
    scheduler: Any = DDPMScheduler(1000)

    def loss() -> Tensor:
        t = torch.randint(1000, (len(x),))
        eps = torch.randn_like(x)
        return (model(scheduler.add_noise(x, eps, t), t).sample - eps).square().mean()

    return model, stepper(model, loss)


def lucidrains(x: Tensor) -> tuple[nn.Module, Step]:
    """`Unet` and `GaussianDiffusion` of denoising-diffusion-pytorch, predicting eps.

    Installed by `pip install --no-deps denoising-diffusion-pytorch einops`.
    """
    # Its module imports these for its own data loader and FID, which we do not use; torchvision
    # does not load beside every build of torch.
    mocked = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update({name: MagicMock() for name in mocked})
    try:
        import denoising_diffusion_pytorch as peer
    finally:
        for name in mocked:
            del sys.modules[name]

    model: nn.Module = peer.Unet(dim=14, dim_mults=(1, 2), channels=1)
    diffusion = peer.GaussianDiffusion(model, image_size=SHAPE[-1], objective="pred_noise")
    x = (x + 1) / 2  # it takes images in [0, 1]
    return model, stepper(model, lambda: diffusion(x))


def run() -> list[Comparison]:
    """Ours against each peer that is installed.

    Raises:
        ValueError: if a peer has a number of parameters too far from ours.
    """
    x = torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    model, step = ours(x)
    peers = {}
    for name, build in (("diffusers", diffusers), ("denoising-diffusion-pytorch", lucidrains)):
        try:
            peer, peer_step = build(x)
        except ImportError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        ratio = parameters(peer) / parameters(model)
        if abs(ratio - 1) > TOLERANCE:
            raise ValueError(f"{name} has {ratio:.2f} times our parameters: not a fair comparison")
        peers[name] = (peer_step, TARGETS[name])
    return compare("U-Net training step, 64×16²", step, peers, rounds=15)
