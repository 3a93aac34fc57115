"""What a picture of shapes can be made of, and the words for it."""

from __future__ import annotations

import math
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "BACKGROUND",
    "COLOURS",
    "KINDS",
    "PLACES",
    "RELATIONS",
    "SHAPE",
    "SIZES",
    "Split",
    "pairs",
    "palette",
]

SIDE = 32
SHAPE = (3, SIDE, SIDE)
MOST = 3  # shapes a picture

KINDS = ("circle", "square", "triangle", "star", "ring", "cross")
SIZES = ("small", "large")
RELATIONS = ("left of", "right of", "above", "below")
# Row by row, so that place = 3 · row + column.
PLACES = (
    "at the top left",
    "at the top",
    "at the top right",
    "at the left",
    "in the middle",
    "at the right",
    "at the bottom left",
    "at the bottom",
    "at the bottom right",
)

# sRGB, 0..255, near the colours of Okabe and Ito. Told apart by lightness too, so that readers who
# do not see red and green as different still see six colours; a test simulates their eyes.
BACKGROUND = (24, 26, 34)
COLOURS = {
    "red": (214, 66, 30),
    "yellow": (245, 226, 66),
    "green": (0, 158, 110),
    "blue": (30, 102, 214),
    "pink": (226, 140, 196),
    "white": (248, 248, 244),
}

# Half the width of a shape in pixels, roughly; nothing lies between small and large.
RADII = ((3.3, 4.1), (5.2, 6.2))
BORDER = 1.0  # pixels between a shape and the rim of the picture
GAP = 1.5  # between two shapes: more than a pixel's diagonal, so that no pixel sees both
TILT = math.radians(12)
# A relation holds if the offset of the middles along its axis exceeds the other by this much ...
CLEAR = 3.0
# ... and a middle is in the middle column if it is this near to the axis, or at a side if this far.
CENTRAL, LATERAL = 2.0, 4.5

Split = Literal["train", "held-out", "all"]


@cache
def _pairs(split: str) -> NDArray[np.int64]:
    held = [
        [colour, kind]
        for colour in range(len(COLOURS))
        for kind in range(len(KINDS))
        if split == "all" or ((colour - kind) % 3 == 1) == (split == "held-out")
    ]
    return np.array(held)


def pairs(split: Split) -> list[tuple[str, str]]:
    """The combinations (colour, kind) of a split: 24 to train, 12 held out, together all 36.

    Held out is colour number c with kind number k where c − k leaves 1 when divided by 3: two kinds
    of each colour, two colours of each kind. Every colour and every kind is seen in training, in
    four combinations; a red triangle never is. All shapes of a picture are of its split.

    Raises:
        ValueError: for an unknown split.
    """
    names = tuple(COLOURS)
    return [(names[c], KINDS[k]) for c, k in _numbers(split)]


def _numbers(split: Split) -> NDArray[np.int64]:
    if split not in get_args(Split):
        raise ValueError(f"split must be one of {get_args(Split)}, got {split!r}")
    return _pairs(split)


def palette() -> tuple[Tensor, Tensor]:
    """The background ``(3,)`` and the colours ``(6, 3)``, ordered as ``COLOURS``, in [-1, 1]."""
    colours = torch.tensor(list(COLOURS.values()), dtype=torch.float32)
    return torch.tensor(BACKGROUND, dtype=torch.float32) / 127.5 - 1, colours / 127.5 - 1
