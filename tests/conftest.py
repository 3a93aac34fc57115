"""Oracles for the tests: Gaussian mixtures, whose noise is predicted in closed form."""

from __future__ import annotations

import signal

import pytest
import torch
from one_browser import browser

from genbook.gaussians import GaussianMixture

__all__ = ["browser"]  # a fixture of all rooms


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def round_bumps(weights: list[float], means: list[list[float]], stds: list[float]):
    """A mixture of Gaussians that are as wide in every direction."""
    weights, means, stds = (torch.tensor(v, dtype=torch.float64) for v in (weights, means, stds))
    eye = torch.eye(means.shape[1], dtype=torch.float64)
    return GaussianMixture(weights, means, stds[:, None, None] ** 2 * eye)


@pytest.fixture
def mixture() -> GaussianMixture:
    """Two bumps of unequal weight and width on a line."""
    return round_bumps([0.3, 0.7], [[-1.0], [0.5]], [0.1, 0.3])


@pytest.fixture
def plane() -> GaussianMixture:
    """Three bumps in the plane."""
    return round_bumps([0.2, 0.3, 0.5], [[-1.0, -0.5], [0.8, -0.2], [0.0, 0.9]], [0.2, 0.1, 0.3])


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """A background job is started with Ctrl-C ignored, and so are its children: tests need it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
