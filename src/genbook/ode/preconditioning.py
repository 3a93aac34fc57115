"""What a network is asked for at each noise level, so that its task has the same size at all.

References:
    Karras, Aittala, Aila & Laine (2022), Elucidating the Design Space of Diffusion-Based
    Generative Models, section 5 and appendix B.6.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from genbook.paths import Path

__all__ = ["Preconditioned", "Scales", "preconditioning"]


class Scales(NamedTuple):
    """c_skip, c_out, c_in and c_noise at a noise level."""

    skip: Tensor
    out: Tensor
    into: Tensor
    noise: Tensor


def preconditioning(sigma: Tensor, data_std: float) -> Scales:
    """The scales of D(x̄, σ) = c_skip x̄ + c_out F(c_in x̄, c_noise), for x̄ = x_0 + σ eps.

        c_skip = s² / (σ² + s²)    c_out = σ s / √(σ² + s²)    c_in = 1 / √(σ² + s²)
        c_noise = ¼ ln σ

    with s the data's standard deviation: so what goes into F and what it should say have variance
    1, and its errors are enlarged as little as possible.

    Raises:
        ValueError: s or a σ that is not positive and finite.
    """
    if not 0 < data_std < math.inf or not bool(((sigma > 0) & sigma.isfinite()).all()):
        raise ValueError(
            f"sigma and data_std must be positive and finite, got {sigma} and {data_std}"
        )
    total = sigma**2 + data_std**2
    return Scales(
        data_std**2 / total, sigma * data_std * total.rsqrt(), total.rsqrt(), sigma.log() / 4
    )


class Preconditioned(nn.Module):
    """A network F between its scales: predicts "x0" on a path.

    Args:
        network: F, called as ``network(x, time, cond)`` with time ``(B,)`` the c_noise.
        path: a state x of it is scaled to x̄ = x / a, with noise σ = b / a.
        data_std: the standard deviation s of the data.
    """

    def __init__(self, network: nn.Module, path: Path, data_std: float):
        super().__init__()
        if not data_std > 0:
            raise ValueError(f"data_std must be positive, got {data_std}")
        self.network, self.path, self.data_std = network, path, float(data_std)

    def scales(self, x: Tensor, t: Any) -> tuple[Scales, Tensor]:
        """The scales at the times ``(B,)`` as factors of x, and the rate a(t).

        Raises:
            ValueError: a time without noise or without data.
        """
        a, b = (torch.as_tensor(rate).to(x) for rate in self.path.rates(t, x))
        return preconditioning(b / a, self.data_std), a

    def forward(self, x: Tensor, t: Any, cond: Any = None) -> Tensor:
        scales, a = self.scales(x, t)
        noise = scales.noise.reshape(-1).expand(len(x))
        output = self.network(scales.into * x / a, noise, cond)
        return scales.skip * x / a + scales.out * output
