"""What the cases of several questions are made of."""

from dataclasses import dataclass

from genbook.checks import Tensor, generator, torch
from genbook.schedules import NoiseSchedule


def schedules(seed: int) -> list[NoiseSchedule]:
    """Two schedules that are known by name, and one drawn at random."""
    betas = 0.02 + 0.3 * torch.rand(9, generator=generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule.cosine(12), NoiseSchedule(betas)]


@dataclass(frozen=True)
class GaussianNoise:
    """The exact prediction E[eps | x_t] for data from N(mean, spread²), in place of a network."""

    schedule: NoiseSchedule
    mean: float
    spread: float

    def __call__(self, x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        a, b = self.schedule.a(t, x), self.schedule.b(t, x)
        return b * (x - a * self.mean) / (a**2 * self.spread**2 + b**2)
