"""What a network is told beside the image, as vectors: the time and the class."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["LabelEmbedding", "TimeEmbedding", "frequencies", "per_image", "waves"]


def frequencies(width: int, like: Tensor, period: float = 10_000.0) -> Tensor:
    r"""The frequencies of ``waves``, in the type and on the device of ``like``.

    $f_k = \text{period}^{-k/h}$ for $k = 0, \dots, h - 1$, where $h = \text{width} / 2$.

    The fastest wave tells 1 from 2, the slowest turns once in about ``2 pi period``. So neighbours
    must be about 1 apart to be told apart: see the ``scale`` of ``TimeEmbedding``.

    Source: Vaswani et al. 2017, section 3.5; h, not h - 1, as in Dhariwal and Nichol 2021.
    """
    half = width // 2
    k = torch.arange(half, dtype=like.dtype, device=like.device)
    # First the product, then the quotient: so it has the bits of public implementations.
    return torch.exp(-math.log(period) * k / half)


def waves(t: Tensor, frequencies: Tensor) -> Tensor:
    """The cosines of ``t f_0, t f_1, …``, then the sines; t ``(B,)`` -> ``(B, 2 h)``."""
    angles = t[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class TimeEmbedding(nn.Module):
    """The time as a vector: waves, then a network of two layers.

    Args:
        width: number of waves, even.
        features: of the result.
        scale: what a time is multiplied with first, so that it runs over about a thousand: 1 for
            steps 0..1000, 1000 for times in [0, 1], 50 for log-SNRs from -10 to 10. With scale 1
            the times 0.50 and 0.52 look alike.

    Shapes: t ``(B,)``, integers or floats -> ``(B, features)``. The waves are computed in float32,
    in float64 where the network is: half precision cannot tell step 999 from 999.4.

    Source: Ho et al. 2020, appendix B.
    """

    bits: Tensor

    def __init__(self, width: int, features: int, scale: float = 1.0) -> None:
        super().__init__()
        if width < 2 or width % 2:
            raise ValueError(f"width must be a positive even number, not {width}")
        if not (math.isfinite(scale) and scale > 0):
            raise ValueError(f"scale must be a positive number, not {scale}")
        self.width, self.scale = width, scale
        self.inner = nn.Linear(width, features)
        self.outer = nn.Linear(features, features)
        # Kept, because making them takes as long as the rest; as the bits of float32, because
        # floats would be rounded by .half(), and stay rounded after .float() or .double().
        kept = self._frequencies(torch.empty(0, dtype=torch.float32))
        self.register_buffer("bits", kept.view(torch.int32), persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        kind = self.inner.weight.dtype
        t = t.to(torch.promote_types(kind, torch.float32))
        if t.dtype == torch.float32 and t.device == self.bits.device:
            fs = self.bits.view(torch.float32)
        else:  # the network is in float64, or was built on the device "meta"
            fs = self._frequencies(t)
        return self.outer(F.silu(self.inner(waves(t, fs).to(kind))))

    def _load_from_state_dict(self, *given: Any, **options: Any) -> None:
        # A network that was built on "meta" and then made by ``to_empty`` holds anything here.
        super()._load_from_state_dict(*given, **options)
        if self.bits.device.type != "meta":
            like = torch.empty(0, dtype=torch.float32, device=self.bits.device)
            self.bits = self._frequencies(like).view(torch.int32)

    def _frequencies(self, like: Tensor) -> Tensor:
        return self.scale * frequencies(self.width, like)


class LabelEmbedding(nn.Embedding):
    """A vector for each class, and one more for the *null class* ``classes``: "no label".

    Labels ``(B,)`` int64 in 0..classes, or None for the null class -> ``(B, features)``, for None
    ``(1, features)``.

    Source: Ho and Salimans 2022.
    """

    def __init__(self, classes: int, features: int) -> None:
        super().__init__(classes + 1, features)
        self.classes = classes

    def forward(self, labels: Tensor | None) -> Tensor:
        """Raises:
        ValueError: for labels that are no integers, or out of range.
        """
        if labels is None:
            return self.weight[-1:]
        if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
            raise ValueError(f"labels must be integers, not {labels.dtype}")
        if labels.numel():
            low, high = (int(bound) for bound in labels.aminmax())
            if not 0 <= low <= high <= self.classes:
                raise ValueError(
                    f"labels must be in 0..{self.classes} ({self.classes} is the null class), "
                    f"not {low}..{high}"
                )
        return super().forward(labels)


def per_image(t: Tensor | int | float, x: Tensor) -> Tensor:
    """A time, or one for each image of the batch, as a tensor ``(1,)`` or ``(B,)`` beside ``x``.

    Raises:
        ValueError: for another number of times.
    """
    if not isinstance(t, Tensor):  # a float keeps the digits that x has
        kind = torch.promote_types(x.dtype, torch.float32)
        return torch.full((1,), t, dtype=kind, device=x.device)
    if t.ndim > 1 or t.numel() not in (1, len(x)):
        raise ValueError(
            f"t must be a number or have shape ({len(x)},), one time for each of x, not "
            f"{tuple(t.shape)}"
        )
    return t.reshape(-1).to(x.device)
