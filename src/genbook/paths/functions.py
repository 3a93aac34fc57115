"""Functions of a float or of a tensor, so that a formula is written once for both.

A step of a sampler asks for a few numbers at one time. Floats answer in a thirtieth of the time
that tensors with one entry take; and where every sample has its own time, the same formula gives
the numbers of all.
"""

from __future__ import annotations

import math
from typing import TypeVar

from torch import Tensor

__all__ = ["Number", "exp", "expm1", "sqrt"]

Number = TypeVar("Number", float, Tensor, float | Tensor)
"""What a formula takes, and what it answers."""


def exp(x: Number) -> Number:
    """e^x."""
    return x.exp() if isinstance(x, Tensor) else math.exp(x)


def expm1(x: Number) -> Number:
    """e^x − 1, with all its digits where x is small."""
    return x.expm1() if isinstance(x, Tensor) else math.expm1(x)


def sqrt(x: Number) -> Number:
    """√x."""
    return x.sqrt() if isinstance(x, Tensor) else math.sqrt(x)
