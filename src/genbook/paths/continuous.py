"""The continuous paths: variance preserving, variance exploding, sub-VP, and straight.

Each is written down as its two rates a(t) and b(t) and their slopes; time runs from the data at
t = 0 to noise at t = 1.
"""

from __future__ import annotations

import math

from torch import Tensor

from genbook.paths.base import ContinuousPath

__all__ = ["VE", "VP", "Straight", "SubVP"]


class Straight(ContinuousPath):
    """The straight line from the data to the noise.

        a = 1 − t,    b = t,    a' = −1,    b' = 1

    The path of rectified flow and of Stable Diffusion 3. At t = 1 nothing of the data is left, so
    eps does not determine x_0 there; the velocity eps − x_0 does.

    References:
        Liu, Gong & Liu (2023), Flow Straight and Fast. Lipman et al. (2023), Flow Matching, with
        the opposite direction of time.
    """

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return 1 - t, t

    def _derivatives(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return t * 0 - 1, t * 0 + 1


class VP(ContinuousPath):
    """Variance preserving: a² + b² = 1, the limit of DDPM's chain for small steps.

        β(t) = β_0 + t (β_1 − β_0),    a = exp(−½ ∫_0^t β),    b = √(1 − a²)

    with slopes a' = −½ β a and b' = ½ β a² / b, which is infinite at t = 0. The process
    with these rates has f = −β/2 and g² = β.

    References:
        Song et al. (2021), Score-Based Generative Modeling through SDEs, equation 33.
    """

    def __init__(self, beta_min: float = 0.1, beta_max: float = 20.0):
        if not 0 < beta_min <= beta_max < math.inf:
            raise ValueError(f"0 < beta_min ≤ beta_max, got {beta_min} and {beta_max}")
        self.beta_min, self.beta_max = float(beta_min), float(beta_max)

    def beta(self, t: Tensor) -> Tensor:
        """β(t), the rate at which noise comes in."""
        return self.beta_min + t * (self.beta_max - self.beta_min)

    def _log_a(self, t: Tensor) -> Tensor:
        return -(t**2 * (self.beta_max - self.beta_min) / 4 + t * self.beta_min / 2)

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        log_a = self._log_a(t)
        return log_a.exp(), (-(2 * log_a).expm1()).sqrt()

    def _derivatives(self, t: Tensor) -> tuple[Tensor, Tensor]:
        a, b = self._rates(t)
        return -self.beta(t) * a / 2, self.beta(t) * a**2 / (2 * b)

    def _process(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return -self.beta(t) / 2, self.beta(t)


class SubVP(VP):
    """Sub-VP: the data of VP with less noise, b = 1 − a² instead of its root.

        b = 1 − a²,    b' = β a²,    f = −β/2,    g² = β (1 − a⁴)

    References:
        Song et al. (2021), Score-Based Generative Modeling through SDEs, equation 29.
    """

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        log_a = self._log_a(t)
        return log_a.exp(), -(2 * log_a).expm1()

    def _derivatives(self, t: Tensor) -> tuple[Tensor, Tensor]:
        a = self._log_a(t).exp()
        return -self.beta(t) * a / 2, self.beta(t) * a**2

    def _process(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return -self.beta(t) / 2, -self.beta(t) * (4 * self._log_a(t)).expm1()


class VE(ContinuousPath):
    """Variance exploding: the data stay, the noise grows until they drown in it.

        a = 1,    b = σ_min √(r^{2t} − 1),    r = σ_max / σ_min

    with slopes a' = 0 and b' = σ_min r^{2t} ln r / √(r^{2t} − 1), which is infinite at t = 0. The
    process with these rates has f = 0 and g² = (b²)' = 2 σ_min² r^{2t} ln r. A sampler starts from
    noise of standard deviation b(1).

    References:
        Song et al. (2021), Score-Based Generative Modeling through SDEs, equation 31 (whose
        variance at t = 0 is σ_min²; here it is 0, so that x_0 is the data).
    """

    def __init__(self, sigma_min: float = 0.01, sigma_max: float = 50.0):
        if not 0 < sigma_min < sigma_max < math.inf:
            raise ValueError(f"0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}")
        self.sigma_min, self.sigma_max = float(sigma_min), float(sigma_max)

    @property
    def prior_std(self) -> float:  # type: ignore[override]
        return float(self.rates(1.0)[1])

    def _growth(self, t: Tensor) -> Tensor:
        """r^{2t} − 1."""
        return (2 * math.log(self.sigma_max / self.sigma_min) * t).expm1()

    def _rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        return t * 0 + 1, self.sigma_min * self._growth(t).sqrt()

    def _derivatives(self, t: Tensor) -> tuple[Tensor, Tensor]:
        growth, rate = self._growth(t), math.log(self.sigma_max / self.sigma_min)
        return t * 0, self.sigma_min * rate * (growth + 1) / growth.sqrt()

    def _process(self, t: Tensor) -> tuple[Tensor, Tensor]:
        rate = math.log(self.sigma_max / self.sigma_min)
        return t * 0, 2 * self.sigma_min**2 * rate * (self._growth(t) + 1)
