"""What the cases of several questions are made of."""

from genbook.checks import Tensor, dataclass, generator, torch
from genbook.schedules import NoiseSchedule


def schedules(seed: int) -> list[NoiseSchedule]:
    """A schedule that is known by name, and one drawn at random."""
    betas = 0.02 + 0.3 * torch.rand(9, generator=generator(seed))
    return [NoiseSchedule.linear(20, 1e-3, 0.3), NoiseSchedule(betas)]


@dataclass(frozen=True)
class Classes:
    """In place of a network: the exact E[eps | x_t] where class c is N(means[c], spread²).

    Like a network it takes images of the type of its own numbers only.
    """

    schedule: NoiseSchedule
    means: Tensor
    spread: float

    def __call__(self, x: Tensor, t: int | Tensor, labels: Tensor) -> Tensor:
        if x.dtype != self.means.dtype:
            raise TypeError(
                f"the network is made for {self.means.dtype}, and the images that it is shown are "
                f"{x.dtype}: they should be of the type of x0"
            )
        a, b = self.schedule.a(t, x), self.schedule.b(t, x)
        mean = self.means[labels].reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
        return b * (x - a * mean) / (a**2 * self.spread**2 + b**2)
