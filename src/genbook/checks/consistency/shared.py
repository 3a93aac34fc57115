"""What the cases of several questions are made of."""

from dataclasses import dataclass

from genbook.checks import Tensor


def column(t: Tensor | float, x: Tensor) -> Tensor | float:
    """Times ``(B,)`` beside a batch ``(B, …)``."""
    return t.reshape(-1, *[1] * (x.ndim - 1)) if isinstance(t, Tensor) else t


@dataclass(frozen=True)
class Slope:
    """A mean velocity that depends on the state and on both times, each in its own way."""

    scale: float

    def __call__(self, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
        here, there = column(t, x), column(s, x)
        return (self.scale * x + 0.3 * here).sin() + x * here**2 - 0.7 * there * x.cos()


@dataclass(frozen=True)
class Landing:
    """A map to any time; at s = t it stays."""

    scale: float

    def __call__(self, x: Tensor, t: float, s: float) -> Tensor:
        if not 0 <= s <= t <= 1:
            raise ValueError(f"the map was asked to go from t = {t} to s = {s}")
        return x + (s - t) * (self.scale * x).sin() * (1 + t + 2 * s)
