"""What the cases of several questions are made of."""

from genbook.checks import Tensor, dataclass
from genbook.schedules import NoiseSchedule


@dataclass(frozen=True)
class GaussianNoise:
    """The exact prediction E[eps | x_t] for data from N(mean, spread²), in place of a network."""

    schedule: NoiseSchedule
    mean: float
    spread: float

    def __call__(self, x: Tensor, t: int | Tensor, cond: Tensor | None = None) -> Tensor:
        a, b = self.schedule.a(t, x), self.schedule.b(t, x)
        return b * (x - a * self.mean) / (a**2 * self.spread**2 + b**2)
