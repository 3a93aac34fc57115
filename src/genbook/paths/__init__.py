"""Gaussian paths x_t = a(t) x_0 + b(t) eps, and what a network can predict on them.

:class:`Path` says what a path is. :class:`~genbook.schedules.NoiseSchedule` is the path of integer
times; the continuous ones are here. :func:`convert` turns any prediction into any other.
"""

from __future__ import annotations

from genbook.paths.base import Coefficient, Path, Spacing, Time
from genbook.paths.continuous import VE, VP, Straight, SubVP
from genbook.paths.conversions import (
    Prediction,
    add_to,
    combine,
    convert,
    factors,
    target_of,
    to_eps,
    to_x0,
)

__all__ = [
    "VE",
    "VP",
    "Coefficient",
    "Path",
    "Prediction",
    "Spacing",
    "Straight",
    "SubVP",
    "Time",
    "add_to",
    "combine",
    "convert",
    "factors",
    "target_of",
    "to_eps",
    "to_x0",
]
