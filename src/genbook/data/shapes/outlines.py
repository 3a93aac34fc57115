"""The outlines of the six kinds: closed loops of corners around the origin, in units of the radius.

The origin is the centroid of each. Units are chosen such that shapes of one radius look equally
large, and y points down, as in pictures: the triangle and the star stand on their feet.
"""

from __future__ import annotations

import numpy as np

from genbook.data.shapes.vocabulary import KINDS
from genbook.geometry import Array, polygon_area

__all__ = ["AREA", "LOOPS", "REACH", "ROUND", "TIPS"]

_CORNERS = 48  # of a circle


def _around(corners: int, radius: float | Array = 1.0) -> Array:
    """Corners at even angles, the first straight up."""
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.multiply(radius, np.stack([np.sin(angles), -np.cos(angles)])).T


def _disc(radius: float) -> Array:
    """A polygon with the area of the disc: nowhere more than 0.003 radii from the circle."""
    sector = 2 * np.pi / _CORNERS
    return _around(_CORNERS, radius * np.sqrt(sector / np.sin(sector)))


def _cross(arm: float, half: float) -> Array:
    quarter = np.array([[-half, -arm], [half, -arm], [half, -half]])
    turns = [quarter]
    for _ in range(3):
        turns.append(turns[-1] @ np.array([[0, 1], [-1, 0]]))  # a quarter to the right
    return np.concatenate(turns)


_SQUARE = 0.9 * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
_STAR = _around(10, np.where(np.arange(10) % 2, 0.6, 1.3))

# Of each kind its loops; the second is a hole.
LOOPS: dict[str, tuple[Array, ...]] = {
    "circle": (_disc(1.0),),
    "square": (_SQUARE,),
    "triangle": (_around(3, 1.3),),
    "star": (_STAR,),
    "ring": (_disc(1.08), _disc(0.52)),
    "cross": (_cross(1.15, 0.4),),
}

# The points that a hand would mark, at most five, the first up or left.
TIPS: dict[str, Array] = {
    "circle": _around(4),
    "square": _SQUARE,
    "triangle": _around(3, 1.3),
    "star": _STAR[::2],
    "ring": _around(4, 1.08),
    "cross": _around(4, 1.15),
}

# By the number of the kind: area in radii², the furthest corner in radii, and whether a turn
# changes nothing.
AREA = np.array([polygon_area(LOOPS[k][0]) - sum(map(polygon_area, LOOPS[k][1:])) for k in KINDS])
REACH = np.array([np.hypot(*LOOPS[k][0].T).max() for k in KINDS])
ROUND = np.array([kind in ("circle", "ring") for kind in KINDS])
