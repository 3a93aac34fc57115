"""Toy data in the plane: seven distributions, and of each either its exact support or its density.

    >>> import torch
    >>> from genbook.data import toy2d
    >>> toy2d.sample("checkerboard", 5, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 2])

All are about as large as a standard normal: the mean is near 0 and the mean square of a coordinate
near 1. Where a sample is uniform on a known set, :func:`inside` says exactly whether a point could
have come from there; the mixtures know their density and score at any point
(:func:`eight_gaussians`, :func:`grid` return a :class:`~genbook.gaussians.GaussianMixture`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from genbook.geometry import Array, fraction_inside, point_in_polygon, polygon_area, sample_polygon

if TYPE_CHECKING:
    from genbook.gaussians import GaussianMixture

__all__ = [
    "MIXTURES",
    "NAMES",
    "POLYGONS",
    "SUPPORTS",
    "checkerboard",
    "circles",
    "eight_gaussians",
    "grid",
    "inside",
    "mixture",
    "moons",
    "polygons",
    "sample",
    "share_inside",
    "spirals",
]

_CHECKER = math.sqrt(3)  # half the board: a coordinate, uniform on it, has variance 1
_NOISE = 0.08  # of moons, circles and spirals, in their final units


def _star(corners: int, outer: float, inner: float) -> Array:
    angles = np.pi * np.arange(2 * corners) / corners + np.pi / 2
    radii = np.where(np.arange(2 * corners) % 2, inner, outer)
    return radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)


# Corners `(M, 2)` in either direction; they do not overlap. Uniform on all of them together.
POLYGONS: tuple[Array, ...] = (
    np.add(_star(5, 1.05, 0.45), [-1.0, 0.75]),
    np.array([[0.3, 0.2], [1.9, 0.2], [1.9, 0.6], [0.7, 0.6], [0.7, 1.8], [0.3, 1.8]]),
    np.array([[-1.6, -1.7], [-0.1, -1.5], [-0.9, -0.4]]),
    np.array([[0.5, -1.6], [1.7, -1.4], [1.5, -0.3], [0.3, -0.5]]),
)

# One polygon each; the union is the support.
SUPPORTS: dict[str, tuple[Array, ...]] = {
    "polygons": POLYGONS,
    "checkerboard": tuple(
        _CHECKER / 2 * np.add([[0, 0], [1, 0], [1, 1], [0, 1]], [column - 2, row - 2])
        for row in range(4)
        for column in range(4)
        if (row + column) % 2 == 0
    ),
}


def moons(n: int, generator: torch.Generator | None = None, noise: float = _NOISE) -> Tensor:
    """Two half circles that reach into each other, ``(n, 2)``.

    (cos θ, sin θ) and (1 − cos θ, ½ − sin θ), θ uniform in [0, π], as scikit-learn's
    ``make_moons``; moved and scaled, and blurred by Gaussian noise.

    Raises:
        ValueError: n or noise negative.
    """
    _check(n, noise)
    theta = math.pi * torch.rand(n, generator=generator)
    second = torch.rand(n, generator=generator) < 0.5
    x = torch.where(second, 1 - theta.cos(), theta.cos())
    y = torch.where(second, 0.5 - theta.sin(), theta.sin())
    points = torch.stack([(x - 0.5) / 0.86, (y - 0.25) / 0.5], 1)
    return points + noise * torch.randn(n, 2, generator=generator)


def circles(n: int, generator: torch.Generator | None = None, noise: float = _NOISE) -> Tensor:
    """Two circles around the origin with radii 1.8 and 0.9, ``(n, 2)``, half of the points on each.

    Raises:
        ValueError: n or noise negative.
    """
    _check(n, noise)
    theta = 2 * math.pi * torch.rand(n, generator=generator)
    radius = torch.where(torch.rand(n, generator=generator) < 0.5, 0.9, 1.8)
    points = radius[:, None] * torch.stack([theta.cos(), theta.sin()], 1)
    return points + noise * torch.randn(n, 2, generator=generator)


def spirals(n: int, generator: torch.Generator | None = None, noise: float = _NOISE) -> Tensor:
    """Two Archimedean spirals around the origin, one turned by π, ``(n, 2)``.

    r = 2 s, angle = 3π s, with s = √u, u uniform: so the points are about evenly dense along the
    arms, one and a half turns each.

    Raises:
        ValueError: n or noise negative.
    """
    _check(n, noise)
    s = torch.rand(n, generator=generator).sqrt()
    sign = torch.where(torch.rand(n, generator=generator) < 0.5, 1.0, -1.0)
    points = (sign * 2 * s)[:, None] * torch.stack(
        [(3 * math.pi * s).cos(), (3 * math.pi * s).sin()], 1
    )
    return points + noise * torch.randn(n, 2, generator=generator)


def checkerboard(n: int, generator: torch.Generator | None = None) -> Tensor:
    """Uniform on eight of the 4 × 4 fields of [−√3, √3]², ``(n, 2)``, the lower left among them.

    Raises:
        ValueError: n negative.
    """
    _check(n)
    u = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    row = torch.randint(4, (n,), generator=generator)
    column = 2 * torch.randint(2, (n,), generator=generator) + row % 2
    corner = torch.stack([column, row], 1)
    # A float32 may be rounded onto the upper side of its field, which belongs to the next one.
    u = u.clamp(1e-6, 1 - 1e-6)
    return (_CHECKER * ((corner + u) / 2 - 1)).float()


def polygons(n: int, generator: torch.Generator | None = None) -> Tensor:
    """Uniform on a star, an L, a triangle and a quadrangle together: ``POLYGONS``; ``(n, 2)``.

    Raises:
        ValueError: n negative.
    """
    _check(n)
    areas = torch.tensor([abs(polygon_area(polygon)) for polygon in POLYGONS])
    chosen = torch.zeros(0, dtype=torch.long)
    if n:
        chosen = torch.multinomial(areas, n, replacement=True, generator=generator)
    points = torch.empty(n, 2, dtype=torch.float64)
    for i, polygon in enumerate(POLYGONS):
        here = chosen == i
        # Rounded to float32 a point may fall outside: it is drawn again, at most once in 10^6.
        found = np.empty((0, 2), np.float32)
        while len(found) < (wanted := int(here.sum())):
            more = sample_polygon(polygon, wanted - len(found), generator).astype(np.float32)
            found = np.concatenate([found, more[point_in_polygon(more, polygon)]])
        points[here] = torch.from_numpy(found).double()
    return points.float()


def eight_gaussians(radius: float = 1.4, std: float = 0.12) -> GaussianMixture:
    """Eight equal Gaussians at even angles on a circle, with their exact density and score."""
    angles = math.pi / 4 * torch.arange(8, dtype=torch.float64)
    return _mixture(radius * torch.stack([angles.cos(), angles.sin()], 1), std)


def grid(side: int = 5, spacing: float = 0.7, std: float = 0.08) -> GaussianMixture:
    """Equal Gaussians on a square grid, 25 by default, with their exact density and score.

    Raises:
        ValueError: side below 1.
    """
    if side < 1:
        raise ValueError(f"side must be at least 1, got {side}")
    ticks = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return _mixture(torch.cartesian_prod(ticks, ticks).reshape(-1, 2), std)


def _mixture(means: Tensor, std: float) -> GaussianMixture:
    from genbook.gaussians import GaussianMixture  # its chapter comes after the data's users

    k = len(means)
    covariances = std**2 * torch.eye(2, dtype=torch.float64).expand(k, 2, 2)
    return GaussianMixture(torch.full((k,), 1 / k, dtype=torch.float64), means, covariances)


MIXTURES: dict[str, Callable[[], GaussianMixture]] = {
    "eight_gaussians": eight_gaussians,
    "grid": grid,
}
_SAMPLERS: dict[str, Callable[[int, torch.Generator | None], Tensor]] = {
    "moons": moons,
    "circles": circles,
    "spirals": spirals,
    "checkerboard": checkerboard,
    "polygons": polygons,
}
NAMES = (*_SAMPLERS, *MIXTURES)


def sample(name: str, n: int, generator: torch.Generator | None = None) -> Tensor:
    """n points ``(n, 2)``, float32, of the distribution ``name``, one of ``NAMES``.

    Raises:
        ValueError: an unknown name, or n negative.
    """
    if name not in NAMES:
        raise ValueError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    _check(n)
    if name in MIXTURES:
        points = mixture(name).sample(n, generator) if n else torch.empty(0, 2)
        return points.float()
    return _SAMPLERS[name](n, generator)


def mixture(name: str) -> GaussianMixture:
    """The mixture ``name`` with its exact ``log_prob`` and ``score``.

    Raises:
        ValueError: a distribution that has no density in closed form.
    """
    if name not in MIXTURES:
        raise ValueError(f"name must be one of {', '.join(MIXTURES)}, got {name!r}")
    return MIXTURES[name]()


def inside(name: str, points: Tensor) -> Tensor:
    """Whether points ``(N, 2)`` lie in the support of ``name``: exact, booleans ``(N,)``.

    Raises:
        ValueError: a distribution whose support is the whole plane, NaN, or another shape.
    """
    support = _support(name)
    coordinates = points.detach().cpu().double().numpy()
    within = np.any([point_in_polygon(coordinates, polygon) for polygon in support], axis=0)
    return torch.from_numpy(np.atleast_1d(within)).to(points.device)


def share_inside(name: str, points: Tensor) -> float:
    """The share of points ``(N, 2)`` in the support of ``name``: 1 for a perfect model.

    Raises:
        ValueError: as :func:`inside`, or no points.
    """
    return fraction_inside(points.detach().cpu().double().numpy(), *_support(name))


def _support(name: str) -> tuple[Array, ...]:
    if name not in SUPPORTS:
        raise ValueError(f"the support of {name!r} is not a set; of {', '.join(SUPPORTS)} it is")
    return SUPPORTS[name]


def _check(n: int, noise: float = 0.0) -> None:
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    if not noise >= 0:
        raise ValueError(f"noise must not be negative, got {noise}")
