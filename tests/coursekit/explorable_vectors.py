"""What the formulas of the explorables must give: calls with genbook's own results, as JSON.

``python tests/coursekit/explorable_vectors.py`` prints them. One entry a call: the module of
``web/formulas``, the function, its arguments, and what genbook says. A formula without an entry
fails the test, so a new one gets its line here.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Normal

from genbook import gaussians

Vector = tuple[str, str, list[Any], Any]


def _column(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def of_gaussians() -> Iterator[Vector]:
    """Densities and products of bells that are near, far, wide and narrow."""
    for mean, deviation, at in itertools.product((-1.2, 0.5), (0.2, 1.7), (-3.0, 0.1, 2.0)):
        density = Normal(_column(mean), _column(deviation)).log_prob(_column(at)).exp()
        yield "gaussians", "density", [at, mean, deviation**2], density.item()
    for given in ((-1.2, 0.81, 1.2, 0.36), (0.0, 4.0, 0.5, 0.04), (2.0, 1.0, 2.0, 1.0)):
        m1, v1, m2, v2 = map(_column, given)
        mean, variance, log_z = gaussians.product(m1, v1[None], m2, v2[None])
        found = {"mean": mean.item(), "variance": variance.item(), "weight": log_z.exp().item()}
        yield "gaussians", "product", [*given], found


def vectors() -> list[Vector]:
    """All of them."""
    return [*of_gaussians()]


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1))
