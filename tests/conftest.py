"""An oracle for the tests: Gaussian mixtures, whose noise is predicted in closed form."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from genbook.schedules import NoiseSchedule


@dataclass(frozen=True)
class Mixture:
    """Data x_0 ~ Σ_k w_k N(m_k, s_k² I), of which x_t = a x_0 + b eps is known exactly."""

    weights: Tensor  # (K,)
    means: Tensor  # (K, d)
    stds: Tensor  # (K,)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, dtype=torch.float64)
        return self.means[k] + self.stds[k, None] * noise

    def eps(self, x: Tensor, a: float, b: float) -> Tensor:
        """E[eps | x_t = x] = −b ∇ log p_t(x), x of shape (B, d)."""
        variances = a**2 * self.stds**2 + b**2
        difference = a * self.means - x[:, None]
        log_prob = self.weights.log() - x.shape[1] / 2 * variances.log()
        log_prob = log_prob - (difference**2).sum(-1) / (2 * variances)
        score = (log_prob.softmax(1) / variances)[..., None] * difference
        return -b * score.sum(1)

    def model(self, schedule: NoiseSchedule):
        """The perfect network for this data, called as ``model(x, t, cond)``."""

        def predict(x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
            assert t.dtype == torch.int64 and t.shape == (len(x),) and (t == t[0]).all()
            return self.eps(x, schedule.a(int(t[0])), schedule.b(int(t[0])))

        return predict

    def cdf(self, x: Tensor, a: float = 1.0, b: float = 0.0) -> Tensor:
        """P(x_t ≤ x) in one dimension, x of shape (B,)."""
        stds = (a**2 * self.stds**2 + b**2).sqrt()
        z = (x[:, None] - a * self.means[:, 0]) / stds
        return (self.weights * torch.special.ndtr(z)).sum(1)


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def mixture() -> Mixture:
    """Two bumps of unequal weight and width on a line."""
    return Mixture(
        torch.tensor([0.3, 0.7], dtype=torch.float64),
        torch.tensor([[-1.0], [0.5]], dtype=torch.float64),
        torch.tensor([0.1, 0.3], dtype=torch.float64),
    )


@pytest.fixture
def plane() -> Mixture:
    """Three bumps in the plane."""
    return Mixture(
        torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64),
        torch.tensor([[-1.0, -0.5], [0.8, -0.2], [0.0, 0.9]], dtype=torch.float64),
        torch.tensor([0.2, 0.1, 0.3], dtype=torch.float64),
    )


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """A background job is started with Ctrl-C ignored, and so are its children: tests need it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
