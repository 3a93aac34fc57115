"""Likelihood as a code length: bits per dimension, and the noise that turns bins into densities."""

from __future__ import annotations

import torch
from torch import Tensor

from genbook.arguments import finite

__all__ = ["bits_per_dimension", "dequantise"]


def bits_per_dimension(
    nats: float | Tensor, dimensions: int, bin_width: float = 1.0
) -> float | Tensor:
    """Bits per dimension of discrete data, from −log density in nats.

        nats / (D log 2) − log2(bin_width)

    The data sit on a grid of spacing ``bin_width`` in each of D dimensions, and the
    density was measured at points spread over their bins (:func:`dequantise`). A bin of
    width w around the data holds about density × w^D of the probability, and −log2 of
    it, over D, is what we want: the width is what makes the number independent of the
    scale on which the images are stored. For 8-bit images in [−1, 1] it is 2/255 if 0
    and 255 lie at the ends, and the offset +6.99.

    Args:
        nats: −log p, in natural logarithms, summed over the dimensions: a number, or
            ``(N,)``.

    Raises:
        ValueError: no dimension, a width that is not positive, or NaN.

    Source: Theis, van den Oord and Bethge 2016.
    """
    if dimensions < 1 or not 0 < bin_width < float("inf"):
        given = f"{dimensions} and {bin_width}"
        raise ValueError(f"dimensions and bin_width must be positive, not {given}")
    if torch.as_tensor(nats).isnan().any():
        raise ValueError("the log-density is NaN")
    log2 = torch.log(torch.tensor([2.0, bin_width], dtype=torch.float64)).tolist()
    return nats / (dimensions * log2[0]) - log2[1] / log2[0]


def dequantise(x: Tensor, bin_width: float, generator: torch.Generator | None = None) -> Tensor:
    """Data on a grid, spread uniformly over their bins: x + bin_width · u, u in [−½, ½).

    Raises:
        TypeError: x is not floating-point.
        ValueError: a width that is not positive, an empty x, NaN or infinity.

    Source: Uria, Murray and Larochelle 2013; Theis, van den Oord and Bethge 2016.
    """
    if not 0 < bin_width < float("inf"):
        raise ValueError(f"bin_width must be positive, not {bin_width}")
    finite(x=x)
    source = x.device if generator is None else generator.device
    u = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=source).to(x.device)
    return x + bin_width * (u - 0.5)
