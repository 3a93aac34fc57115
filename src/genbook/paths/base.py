"""What a Gaussian path is: two rates, their slopes, and the times between data and noise."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor

from genbook.arguments import below, choice, holds, integer, shown
from genbook.paths.functions import Number, sqrt

__all__ = ["Coefficient", "Path", "Spacing", "Time", "as_factor"]

Time = int | float | Tensor
"""A time: a number, or a tensor ``(B,)`` with one time for each sample."""

Coefficient = float | Tensor
"""What a path answers: a float for a number t, a tensor for a tensor t."""

Spacing = Literal["linear", "quadratic"]


class Path(ABC):
    """x_t = a(t) x_0 + b(t) eps, from the data at t = 0 to noise at t = ``end``.

    Everything that is sampled or trained in this book moves on such a path. A path says how much of
    the data and how much noise there is at a time; it knows nothing of networks.

    Attributes:
        end: the time of the noise.
        prior_std: standard deviation of the noise that a sampler starts from.
        device: where tensors that belong to the path live.
    """

    end: float = 1.0
    prior_std: float = 1.0
    device: torch.device = torch.device("cpu")

    @abstractmethod
    def rates(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """The rates a(t) of the data and b(t) of the noise.

        Args:
            t: a number, or a tensor ``(B,)`` with a time for each sample.
            like: the tensor ``(B, …)`` that will be multiplied with the result.

        Returns:
            Two floats for a number t. For a tensor t two tensors shaped like it; with ``like`` they
            have its dtype and device and the shape ``(B, 1, …, 1)``.

        Raises:
            TypeError, ValueError: t is no time of this path.
        """

    @abstractmethod
    def derivatives(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """The slopes a'(t) and b'(t); arguments and result as for :meth:`rates`.

        Raises:
            ValueError: a slope is infinite at t.
        """

    def b(self, t: Any, like: Tensor | None = None) -> Coefficient:
        """The rate b(t) of the noise alone; see :meth:`rates`."""
        return self.rates(t, like)[1]

    @abstractmethod
    def time(self, t: Any) -> Any:
        """The time t as a number that this path accepts.

        Raises:
            TypeError: of the wrong kind (an integer path refuses 0.5, it never truncates).
            ValueError: outside 0..``end``.
        """

    @abstractmethod
    def network_time(self, x: Tensor, t: Any) -> Tensor:
        """The time t for each sample of the batch, as networks take it: shape ``(B,)``.

        Raises:
            TypeError, ValueError: t is no time of this path.
        """

    @abstractmethod
    def times(self, steps: int, spacing: Spacing = "linear") -> list[Any]:
        """``steps + 1`` times from ``end`` down to 0, for a sampler of so many steps."""

    def transition(
        self, t: Any, s: Any, like: Tensor | None = None
    ) -> tuple[Coefficient, Coefficient]:
        """From x_s to x_t, s < t: what is kept, and the variance of the noise that is added.

            x_t = (a_t / a_s) x_s + √β noise,    β = b_t² − (a_t / a_s)² b_s²

        Raises:
            ValueError: s is not below t.
        """
        below(s, t)
        (a_t, b_t), (a_s, b_s) = self.rates(t), self.rates(s)
        kept = a_t / a_s
        β = b_t**2 - (kept * b_s) ** 2
        β = max(β, 0.0) if isinstance(β, float) else β.clamp(min=0)
        return as_factor(kept, like), as_factor(β, like)  # a difference: taken in float64

    def visited(self, times: Iterable[Any], upwards: bool = False) -> list[Any]:
        """The times as a list, checked: at least two, strictly monotone, all on the path.

        Raises:
            TypeError: a time of the wrong kind.
            ValueError: they do not descend (or do not ascend, where they lead ``upwards``).
        """
        path = [self.time(t) for t in times]
        wrong = any((s <= t if upwards else s >= t) for t, s in pairwise(path))
        if len(path) < 2 or wrong:
            word = (
                f"ascend strictly within 0..{self.end}"
                if upwards
                else (f"descend strictly within {self.end}..0")
            )
            raise ValueError(f"times must {word}, at least two, got {shown(path)}")
        return path


class ContinuousPath(Path):
    """A path whose times are real numbers from 0 to 1; subclasses give four formulas.

    ``_rates`` and ``_derivatives`` take a float or a float64 tensor, are told nothing else, and
    answer in kind. From them follows the stochastic process with these rates,
    dx = f(t) x dt + g(t) dw: see :meth:`process`.
    """

    @abstractmethod
    def _rates(self, t: Number) -> tuple[Number, Number]:
        """a(t) and b(t)."""

    @abstractmethod
    def _derivatives(self, t: Number) -> tuple[Number, Number]:
        """a'(t) and b'(t)."""

    def rates(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        return self._answer(self._rates, t, like)

    def derivatives(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        da, db = self._answer(self._derivatives, t, like)
        if not _finite(da, db):
            raise ValueError(f"a slope of {self!r} is infinite at t = {_range(t)}")
        return da, db

    def process(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """f(t) and g(t) of dx = f x dt + g dw, which takes the data along this path.

            f = a' / a,    g² = a² d/dt (b² / a²)

        Arguments and result as for :meth:`rates`.

        Raises:
            ValueError: one of them is infinite at t, as at the end of a straight path, or g² is
                negative: no process loses noise.
        """
        f, g2 = self._answer(self._process, t, like)
        if not _finite(f, g2):
            raise ValueError(f"the drift or the diffusion of {self!r} is infinite: t = {_range(t)}")
        if not holds(g2 >= 0):
            raise ValueError(
                f"the noise of {self!r} falls at t = {_range(t)}: no process does that"
            )
        return f, sqrt(g2)

    def drift(self, x: Tensor, t: Any) -> Tensor:
        """f(t) x, where the process drives the state x ``(B, …)``; see :meth:`process`."""
        return self.process(t, x)[0] * x

    def diffusion(self, t: Any, like: Tensor | None = None) -> Coefficient:
        """g(t): the noise that comes in within dt has variance g² dt; see :meth:`process`."""
        return self.process(t, like)[1]

    def marginal(self, t: Any, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """a and b of x_t ~ N(a x_0, b²), the law of the process: the :meth:`rates`."""
        return self.rates(t, like)

    def _process(self, t: Number) -> tuple[Number, Number]:
        """f(t) and g(t)²; where a slope is infinite a path gives them itself."""
        (a, b), (da, db) = self._rates(t), self._derivatives(t)
        f = da / a
        return f, 2 * b * (db - f * b)

    def time(self, t: Any) -> float:
        if type(t) is float and 0 <= t <= self.end:
            return t
        if isinstance(t, bool | str) or (isinstance(t, Tensor) and t.ndim):
            raise TypeError(f"times must be numbers, got {t!r}")
        number = float(t)
        if not 0 <= number <= self.end:
            raise ValueError(f"times must lie in 0..{self.end:g}, got {number}")
        return number

    def network_time(self, x: Tensor, t: float | Tensor) -> Tensor:
        # Half precision has 3 digits: too few to tell the times of a hundred steps apart.
        dtype = x.dtype if x.dtype in (torch.float32, torch.float64) else torch.float32
        if isinstance(t, Tensor) and t.ndim:
            self.rates(t, x)  # refuses what is no time, or not one for each sample
            return t.to(x.device, dtype)
        return torch.full((len(x),), self.time(t), dtype=dtype, device=x.device)

    def times(self, steps: int, spacing: Spacing = "linear") -> list[float]:
        """Times at ``end`` · i / steps, or its square for "quadratic": denser near the data."""
        choice("spacing", spacing, Spacing)
        steps = integer("steps", steps)
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        power = 1 if spacing == "linear" else 2
        return [self.end * (i / steps) ** power for i in range(steps, -1, -1)]

    def _answer(self, formula: Any, t: Any, like: Tensor | None) -> tuple[Coefficient, Coefficient]:
        if not isinstance(t, Tensor):
            number = self.time(t)
            try:
                return formula(number)
            except (ZeroDivisionError, OverflowError):  # Python refuses to; torch says infinity
                a, b = formula(torch.tensor(number, dtype=torch.float64))
                return a.item(), b.item()
        if not t.is_floating_point():
            raise TypeError(f"times of {self!r} are floating-point, got a tensor of {t.dtype}")
        if not ((t >= 0) & (t <= self.end)).all():
            raise ValueError(f"times must lie in 0..{self.end:g}, got {_range(t)}")
        # float64 where the device has it: near t = 0 the difference 1 − a² loses digits.
        wide = t if t.device.type == "mps" else t.double()
        a, b = formula(wide)
        return as_factor(a, like), as_factor(b, like)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name}={value:g}" for name, value in vars(self).items())
        return f"{type(self).__name__}({numbers})"


def as_factor(values: Coefficient, like: Tensor | None) -> Coefficient:
    """Values ``(B,)`` as a factor ``(B, 1, …, 1)`` of ``like``; only here they leave float64.

    Raises:
        ValueError: another batch size than ``like``.
    """
    if like is None or not isinstance(values, Tensor):
        return values
    return _narrowed(values, values, like).reshape(-1, *(1,) * (like.ndim - 1))


def as_factors(like: Tensor, *values: Coefficient) -> Sequence[Coefficient]:
    """Several factors of ``like``, all floats or all tensors: their type is changed only once.

    Raises:
        ValueError: another batch size than ``like``.
    """
    if not isinstance(values[0], Tensor):
        return values
    rows = _narrowed(torch.stack(values), values[0], like)  # type: ignore[arg-type]
    return rows.reshape(len(values), -1, *(1,) * (like.ndim - 1)).unbind()


def _narrowed(values: Tensor, times: Tensor, like: Tensor) -> Tensor:
    """The values in the type of ``like``, if there is one time for each sample."""
    if times.ndim > 1 or (times.ndim == 1 and times.shape[0] != like.shape[0]):
        raise ValueError(
            f"t must have shape ({len(like)},), one time for each sample, got {tuple(times.shape)}"
        )
    # Rates of integer data (pictures of bytes) would be 0 in their type: they stay floats.
    kind = like.dtype if like.is_floating_point() or like.is_complex() else torch.float32
    if values.dtype != kind or values.device != like.device:
        values = values.to(like.device, kind)
    return values


def _finite(*numbers: Any) -> bool:
    return all(holds(abs(number) < math.inf) for number in numbers)  # NaN is not, either


def _range(t: Any) -> str:
    return f"{float(t.min())}..{float(t.max())}" if isinstance(t, Tensor) else str(t)
