"""What the cases of several questions are made of."""

from dataclasses import dataclass

from genbook.checks import Tensor, generator, torch
from genbook.schedules import NoiseSchedule


def schedules(seed: int) -> list[NoiseSchedule]:
    """A schedule that is known by name, and one drawn at random."""
    betas = 0.05 + 0.3 * torch.rand(9, generator=generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule(betas)]


@dataclass(frozen=True)
class Data:
    """In place of a network: the exact E[x_0 | x_t] for data from N(mean, spread²)."""

    schedule: NoiseSchedule
    mean: float
    spread: float

    def __call__(self, x: Tensor, t: int) -> Tensor:
        if not t >= 1:
            raise ValueError(f"the network was asked at t = {t}: it knows only t ≥ 1")
        a, b = self.schedule.a(t), self.schedule.b(t)
        gain = a * self.spread**2 / (a**2 * self.spread**2 + b**2)
        return self.mean + gain * (x - a * self.mean)
