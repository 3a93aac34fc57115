"""Noise schedules: how much of the data is left, and how much noise is there, at every time t.

One convention for the whole book. Time runs from the data (t = 0) to noise (t = T), and

    x_t = a_t x_0 + b_t eps,    a_t = √ᾱ_t,    b_t = √(1 − ᾱ_t),
    ᾱ_t = α_1 α_2 ⋯ α_t,        α_t = 1 − β_t.

Every tensor of a schedule is indexed by t itself: it has T + 1 entries, and entry 0 says "no
noise". So the index in the code is the index in the formula, and the last step to t = 0 is no
special case.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genbook.arguments import below, choice, holds, integer
from genbook.paths.base import Coefficient, Path, Spacing, as_factor
from genbook.paths.functions import sqrt

__all__ = ["NoiseSchedule", "Time", "timesteps"]

Time = int | Tensor
"""A discrete time: an integer, or an integer tensor ``(B,)`` with one time for each sample."""

# Below it float64 loses the digits of a product.
_FAINT = 1e-290
_INTEGERS = {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8}


class NoiseSchedule(Path):
    """The variances β_1, …, β_T of a discrete diffusion and all that follows from them.

    Attributes:
        T: number of steps.
        betas: β_t, the variance of the noise that step t adds; β_0 = 0.
        alphas: α_t = 1 − β_t; α_0 = 1.
        alpha_bars: ᾱ_t, the product of α_1 to α_t (to t, not to T); ᾱ_0 = 1.

    All three are float64 tensors of shape ``(T + 1,)``.

    Args:
        betas: β_1, …, β_T, shape ``(T,)``, in (0, 1]; only β_T may be 1 (then x_T is noise alone).

    Raises:
        ValueError: betas are empty, not one-dimensional, NaN, outside (0, 1], or so small (1e-16)
            that 1 − β rounds to 1.

    References:
        Ho et al. (2020), Denoising Diffusion Probabilistic Models, section 2.
    """

    def __init__(self, betas: Tensor | Sequence[float]):
        given = betas if isinstance(betas, Tensor) else torch.tensor(betas, dtype=torch.float64)
        device, betas = given.device, given.detach().cpu().double()
        if betas.ndim != 1 or len(betas) == 0:
            raise ValueError(f"betas must have shape (T,) with T ≥ 1, got {tuple(betas.shape)}")
        wrong = ~((betas > 0) & (betas <= 1))  # written so that NaN is wrong, too
        wrong[:-1] |= betas[:-1] == 1
        lost = 1 - betas == 1
        if (wrong | lost).any():
            t = int((wrong | lost).nonzero()[0]) + 1
            why = "lie in (0, 1), the last in (0, 1]" if wrong.any() else "show beside 1 in 1 − β"
            raise ValueError(f"betas must {why}, got β_{t} = {float(betas[t - 1])}")
        self.T = self.end = len(betas)  # type: ignore[assignment]
        self.betas = torch.cat([betas.new_zeros(1), betas])
        self.alphas = 1 - self.betas
        self.alpha_bars = self.alphas.cumprod(0)
        self._tabulate()
        if device.type != "cpu":
            vars(self).update(vars(self.to(device)))

    def _tabulate(self) -> None:
        """All that is looked up, from β and ᾱ.

        Where the product ᾱ_t leaves the range of float64, the sum of its logarithms goes on: a_t is
        its root, and α of a jump a ratio, which do not leave it as soon.
        """
        faint = self.alpha_bars < _FAINT
        log = torch.where(faint, self.alphas.log().cumsum(0), self.alpha_bars.log())
        self._columns = {
            "betas": self.betas,
            "alphas": self.alphas,
            "alpha_bars": self.alpha_bars,
            "a": torch.where(faint, (log / 2).exp(), self.alpha_bars.sqrt()),
            "b": (1 - self.alpha_bars).sqrt(),
            "log_alpha_bars": log,
            "log_snr": log - (-self.alpha_bars).log1p(),
        }
        # A step for an integer t needs a few numbers: reading them from lists costs a hundredth
        # of computing them with zero-dimensional tensors.
        self._floats = {name: column.tolist() for name, column in self._columns.items()}
        self._rates = list(zip(self._floats["a"], self._floats["b"], strict=True))
        self._tables: dict[tuple[torch.dtype, torch.device], tuple[Tensor, ...]] = {}

    @classmethod
    def linear(cls, T: int = 1000, start: float = 1e-4, end: float = 0.02) -> NoiseSchedule:
        """β_t rises linearly from start to end (Ho et al. 2020, section 4).

        The defaults are meant for T = 1000, where ᾱ_T = 4·10⁻⁵. They are not rescaled for
        another T, as in diffusers: a chain of 100 steps with these β ends at ᾱ_T = 0.36,
        far from noise. Give ``start=1e-3, end=0.2`` for it (multiply both by 1000 / T).
        """
        return cls(_line(start, end, T))

    @classmethod
    def scaled_linear(
        cls, T: int = 1000, start: float = 0.00085, end: float = 0.012
    ) -> NoiseSchedule:
        """√β_t rises linearly (Rombach et al. 2022; Stable Diffusion 1 and 2)."""
        return cls(_line(math.sqrt(start), math.sqrt(end), T) ** 2)

    @classmethod
    def cosine(
        cls,
        T: int = 1000,
        s: float = 0.008,
        max_beta: float = 0.999,
    ) -> NoiseSchedule:
        """ᾱ_t = f(t) / f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), and β_t ≤ max_beta.

        The offset s keeps β_1 from being too small to learn from, max_beta keeps the last
        step from being singular (Nichol & Dhariwal 2021, equation 17).
        """
        t = torch.arange(_steps(T) + 1, dtype=torch.float64)
        f = torch.cos((t / T + s) / (1 + s) * math.pi / 2) ** 2
        return cls((1 - f[1:] / f[:-1]).clamp(max=max_beta))

    def rescaled_zero_terminal_snr(self) -> NoiseSchedule:
        """The schedule with a_t shifted and scaled so that a_T = 0 while a_1 stays.

        With a_T > 0 a trace of the data's mean is left in x_T, which a sampler that starts
        from pure noise never sees. A network that predicts eps says nothing about x_0 where
        a_T = 0: use "v" or "x0" (Lin et al. 2024, Common Diffusion Noise Schedules and
        Sample Steps are Flawed, algorithm 1).
        """
        if self.T < 2:
            raise ValueError("zero terminal SNR needs T ≥ 2: with one step a_1 cannot stay")
        a = torch.tensor(self._floats["a"], dtype=torch.float64)[1:]
        alpha_bars = ((a - a[-1]) * a[0] / (a[0] - a[-1])) ** 2
        before = torch.cat([alpha_bars.new_ones(1), alpha_bars[:-1]])
        new = NoiseSchedule(1 - alpha_bars / before)
        return (new.stopping_at_one() if self._floats["b"][0] else new).to(self.device)

    def stopping_at_one(self) -> NoiseSchedule:
        """The schedule with ᾱ_0 = ᾱ_1: a sampler's last step, to 0, keeps the noise of t = 1.

        So Stable Diffusion 1 and 2 are sampled (``set_alpha_to_one=False`` in diffusers): what is
        returned for x_0 is x_1, whose noise is too faint to see.
        """
        other = NoiseSchedule(self._floats["betas"][1:])
        other.alpha_bars = torch.cat([other.alpha_bars[1:2], other.alpha_bars[1:]])
        other._tabulate()
        return other.to(self.device)

    def a(self, t: Time, like: Tensor | None = None) -> Coefficient:
        """The signal rate a_t = √ᾱ_t; see :meth:`gather`."""
        return self.gather("a", t, like)

    def b(self, t: Time, like: Tensor | None = None) -> Coefficient:
        """The noise rate b_t = √(1 − ᾱ_t); see :meth:`gather`."""
        return self.gather("b", t, like)

    def rates(self, t: Time, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """The pair a_t, b_t; see :meth:`gather`."""
        if type(t) is int and 0 <= t <= self.T:
            return self._rates[t]
        if not isinstance(t, Tensor):
            return self.gather("a", t), self.gather("b", t)
        # Both at once, from columns that are already of the type that is asked for.
        integers = like is not None and not like.is_floating_point()
        if like is None or integers:
            kind = (self.betas.dtype, self.device)
        else:
            kind = (like.dtype, like.device)
        if kind not in self._tables:
            pair = (self._columns["a"], self._columns["b"])
            self._tables[kind] = tuple(c.to(dtype=kind[0], device=kind[1]) for c in pair)
        a, b = self._look_up(self._tables[kind], t)
        return as_factor(a, like), as_factor(b, like)

    def derivatives(self, t: Time, like: Tensor | None = None) -> tuple[Coefficient, Coefficient]:
        """The slopes of the rates, per step: a' = a_t − a_{t−1}, and b' so that a² + b² = 1 stays.

            b' = −a_t a' / b_t

        A chain has no derivative. These are the slopes of the step that leads to t, and they make
        "velocity" on a chain what it is on a path: the direction in which x_t moves.

        Raises:
            ValueError: t = 0, where no step leads and b rises like a root.
        """
        if not holds(t != 0):
            raise ValueError("a chain has no slope at t = 0: b rises like a root, infinitely fast")
        (a, b), before = self.rates(t), self.gather("a", t - 1)
        # Before the first step there is no noise, also where ᾱ_0 says otherwise.
        if isinstance(before, Tensor):
            before = torch.where((t == 1).to(before.device), 1.0, before)  # type: ignore[union-attr]
        elif t == 1:
            before = 1.0
        da = a - before
        return as_factor(da, like), as_factor(-a * da / b, like)

    def transition(
        self, t: Time, s: Time, like: Tensor | None = None
    ) -> tuple[Coefficient, Coefficient]:
        """From x_s to x_t: what is kept, √(ᾱ_t / ᾱ_s), and the noise's variance 1 − ᾱ_t / ᾱ_s.

        Raises:
            ValueError: s is not below t.
        """
        α = self._alpha(t, s)
        return as_factor(sqrt(α), like), as_factor(1 - α, like)

    def time(self, t: Any) -> int:
        """The time t as an int in 0..T; see :class:`~genbook.paths.Path`.

        Raises:
            TypeError: no integer: 999.9 is refused, not truncated.
            ValueError: out of range.
        """
        if type(t) is not int:
            try:
                t = integer("times", t)
            except TypeError:
                message = f"times must be integers or an integer tensor, got {t!r}"
                raise TypeError(message) from None
        if not 0 <= t <= self.T:
            raise ValueError(f"times must lie in 0..{self.T}, got {t}")
        return t

    def network_time(self, x: Tensor, t: Time) -> Tensor:
        """The time t for each sample of the batch, as networks take it: int64, shape ``(B,)``."""
        if isinstance(t, Tensor) and t.ndim:
            self.rates(t, x)  # refuses what is no time, or not one for each sample
            return t.to(x.device, torch.int64)
        return torch.full((len(x),), self.time(t), dtype=torch.int64, device=x.device)

    def times(self, steps: int, spacing: Spacing = "linear") -> list[int]:
        """``steps + 1`` times from T down to 0: see :func:`timesteps`."""
        return timesteps(self.T, steps, spacing)

    def alpha(self, t: Time, s: Time | None = None, like: Tensor | None = None) -> Coefficient:
        """α of one step from s to t: ᾱ_t / ᾱ_s = α_{s+1} ⋯ α_t; it is α_t for s = t − 1 (default).

        Raises:
            ValueError: s is not below t.
        """
        return as_factor(self._alpha(t, s), like)

    def beta(self, t: Time, s: Time | None = None, like: Tensor | None = None) -> Coefficient:
        """β of one step from s to t: 1 − ᾱ_t / ᾱ_s, the variance of the noise that it adds.

        It is β_t for s = t − 1 (default); for a larger step it is *not* β_t.

        Raises:
            ValueError: s is not below t.
        """
        return as_factor(1 - self._alpha(t, s), like)

    @property
    def snr(self) -> Tensor:
        """Signal-to-noise ratio a_t² / b_t², shape ``(T + 1,)``; infinite at t = 0."""
        return self.alpha_bars / (1 - self.alpha_bars)

    def log_snr(self, t: Time, like: Tensor | None = None) -> Coefficient:
        """λ_t = log(a_t² / b_t²); +∞ at t = 0, and −∞ where a_t = 0; see :meth:`gather`."""
        return self.gather("log_snr", t, like)

    def gather(self, name: str, t: Time, like: Tensor | None = None) -> Coefficient:
        """The entries at t of "betas", "alphas", "alpha_bars", "a", "b" or "log_snr".

        Args:
            name: which.
            t: integer, or integer tensor ``(B,)``, each in 0..T.
            like: the tensor ``(B, …)`` that will be multiplied with the result.

        Returns:
            A float for an integer t. For a tensor t the values, float64 and shaped like t; with
            ``like`` they have its dtype and device and the shape ``(B, 1, …, 1)``, which broadcasts
            over a sample and never by accident over another axis.

        Raises:
            TypeError: t is not an integer.
            ValueError: t is out of range, or has another batch size than ``like``.
        """
        if not isinstance(t, Tensor):
            return self._floats[name][self.time(t)]
        (found,) = self._look_up((self._columns[name],), t)
        return as_factor(found, like)

    def _look_up(self, columns: tuple[Tensor, ...], t: Tensor) -> list[Tensor]:
        """The entries of each column at the times, shaped like t."""
        index, device = t, columns[0].device
        if t.dtype != torch.int64 or t.device != device:
            if t.dtype not in _INTEGERS:
                raise TypeError(f"times must be integers or an integer tensor, got {t.dtype}")
            index = t.to(device, torch.int64)
        if t.ndim != 1:
            index = index.reshape(-1)
        if device.type != "cpu" and index.numel():  # there a wrong index ends the process
            self._in_range(index)
        try:
            found = [column.index_select(0, index) for column in columns]
        except (IndexError, RuntimeError):  # a negative index is no time either
            self._in_range(index)
            raise
        return found if t.ndim == 1 else [entries.reshape(t.shape) for entries in found]

    def _in_range(self, t: Tensor) -> None:
        low, high = int(t.min()), int(t.max())
        if low < 0 or high > self.T:
            raise ValueError(f"times must lie in 0..{self.T}, got {low}..{high}")

    def _alpha(self, t: Time, s: Time | None) -> Coefficient:
        s = t - 1 if s is None else s
        below(s, t)
        now, then = self.gather("alpha_bars", t), self.gather("alpha_bars", s)
        if self._floats["alpha_bars"][-2] >= _FAINT:  # x_{T−1} at least: only x_T may be pure noise
            return now / then
        log = self.gather("log_alpha_bars", t) - self.gather("log_alpha_bars", s)
        if isinstance(log, Tensor):
            return torch.where(torch.as_tensor(then) < _FAINT, log.exp(), now / then)
        return math.exp(log) if then < _FAINT else now / then

    def to(self, device: torch.device | str) -> NoiseSchedule:
        """The schedule with its tensors on a device (without it, tensors t are looked up here).

        On a device without float64 (Apple's "mps") they become float32.
        """
        device = torch.device(device)
        dtype = torch.float32 if device.type == "mps" else torch.float64
        other = copy.copy(self)
        other.device = device
        other._columns = {name: c.to(device, dtype) for name, c in self._columns.items()}
        other.betas, other.alphas = other._columns["betas"], other._columns["alphas"]
        other.alpha_bars, other._tables = other._columns["alpha_bars"], {}
        return other

    def __repr__(self) -> str:
        return f"NoiseSchedule(T={self.T}, a_T={self.a(self.T):.3g})"


def _line(start: float, end: float, T: int) -> Tensor:
    return torch.linspace(start, end, _steps(T), dtype=torch.float64)


def _steps(T: int) -> int:
    T = integer("T", T)
    if T < 1:
        raise ValueError(f"T must be at least 1, got {T}")
    return T


def timesteps(T: int, steps: int, spacing: Spacing = "linear") -> list[int]:
    """A sub-sequence of times: ``steps + 1`` of them, from T down to 0.

    "linear" puts them at T·i/steps, "quadratic" at T·(i/steps)², denser near the data;
    rounded, and kept apart where rounding would make two of them equal.

    Raises:
        ValueError: unknown spacing, or not 1 ≤ steps ≤ T.
        TypeError: T or steps is not an integer.

    References:
        Song, Meng & Ermon (2021), Denoising Diffusion Implicit Models, appendix D.2.
    """
    choice("spacing", spacing, Spacing)
    T, steps = _steps(T), integer("steps", steps)
    if not 1 <= steps <= T:
        raise ValueError(f"steps must lie in 1..T = {T}, got {steps}")
    power = 1 if spacing == "linear" else 2
    return [max(i, round(T * (i / steps) ** power)) for i in range(steps, -1, -1)]
