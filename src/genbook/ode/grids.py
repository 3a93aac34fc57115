"""Where the steps are put: times that are even in some measure of the noise.

Even and squared times are :meth:`genbook.paths.Path.times`. Here are the two that go by the ratio
σ = b / a, so that they mean the same on every path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from scipy.optimize import brentq

from genbook.arguments import integer
from genbook.paths import Path
from genbook.paths.base import ContinuousPath
from genbook.schedules import NoiseSchedule

__all__ = ["edm_times", "log_snr_times", "ratio", "time_of"]


def ratio(path: Path, t: Any) -> float:
    """σ = b / a, the noise-to-signal ratio at t; log σ is minus half of the log-SNR.

    Raises:
        ValueError: a = 0, where nothing of the data is left.
    """
    a, b = map(float, path.rates(t))
    if not a > 0:
        raise ValueError(f"b / a is infinite at t = {t}, where a = 0: stop before")
    return b / a


def time_of(path: Path, sigma: float) -> Any:
    """The time at which b / a is σ: exactly on a continuous path, the nearest on a chain.

    Raises:
        ValueError: no time of the path has this ratio; it is no number.
    """
    if not math.isfinite(sigma):
        raise ValueError(f"b / a must be finite, got {sigma}")
    if sigma <= 0:
        if sigma < 0:
            raise ValueError(f"b / a is never negative, got {sigma}")
        return path.time(0)
    if isinstance(path, NoiseSchedule):
        if sigma > ratio(path, path.T) * (1 + 1e-9):
            raise ValueError(
                f"b / a is at most {ratio(path, path.T):.6g} on {path!r}, got {sigma:.6g}"
            )
        wanted = -2 * math.log(sigma)
        low, high = 1, path.T
        while high - low > 1:  # log-SNR falls with t
            middle = (low + high) // 2
            low, high = (middle, high) if path.log_snr(middle) > wanted else (low, middle)
        return min((low, high), key=lambda t: abs(float(path.log_snr(t)) - wanted))

    def beyond(t: float) -> float:
        a, b = map(float, path.rates(t))
        return b - sigma * a

    if beyond(path.end) < 0:
        top = ratio(path, path.end)
        if sigma <= top * (1 + 1e-9):  # the end itself, as rounded
            return path.end
        raise ValueError(f"b / a is at most {top:.6g} on {path!r}, got {sigma:.6g}")
    return brentq(beyond, 0.0, path.end, xtol=1e-16, rtol=1e-14)


def edm_times(
    path: Path,
    steps: int,
    rho: float = 7.0,
    sigma_min: float = 0.002,
    sigma_max: float | None = None,
) -> list[Any]:
    """Times at which σ^{1/ρ} is even, from σ_max to σ_min, and then 0: ``steps + 1`` of them.

        σ_i = (σ_max^{1/ρ} + i/(n − 1) (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ,    σ_n = 0

    ρ = 1 is even in σ; the larger ρ, the more steps at little noise; without end it is even in
    log σ. σ_max is that of the path's end, if it is not given.

    References:
        Karras et al. (2022), Elucidating the Design Space, equation 5.
    """
    if not rho > 0.01:
        raise ValueError(f"rho must be positive (and more than 0.01), got {rho}")
    if rho > 1e6:  # of so high a root nothing would be left but rounding
        return log_snr_times(path, steps, sigma_min, sigma_max)
    return _even_in(path, steps, sigma_min, sigma_max, lambda s: s ** (1 / rho), lambda u: u**rho)


def log_snr_times(
    path: Path, steps: int, sigma_min: float = 0.002, sigma_max: float | None = None
) -> list[Any]:
    """Times at which the log-SNR is even, from σ_max to σ_min, and then 0.

    References:
        Lu et al. (2022), DPM-Solver, section 3.3.
    """
    return _even_in(path, steps, sigma_min, sigma_max, math.log, math.exp)


def _even_in(
    path: Path,
    steps: int,
    sigma_min: float,
    sigma_max: float | None,
    measure: Callable[[float], float],
    inverse: Callable[[float], float],
) -> list[Any]:
    n, top = integer("steps", steps), ratio(path, path.end) if sigma_max is None else sigma_max
    if n < 1:
        raise ValueError(f"steps must be at least 1, got {n}")
    if not isinstance(path, ContinuousPath) and n > path.end:
        raise ValueError(f"steps must be at most {path.end} on {path!r}, got {n}")
    if not 0 < sigma_min < top:
        raise ValueError(f"0 < sigma_min < sigma_max, got {sigma_min} and {top}")
    first, last = measure(top), measure(sigma_min)
    even = [first + (last - first) * i / max(1, n - 1) for i in range(n)]
    sigmas = [top, *(inverse(u) for u in even[1:])]
    times = [path.end if sigma_max is None else time_of(path, top)]
    times += [time_of(path, sigma) for sigma in sigmas[1:]]
    if not isinstance(path, ContinuousPath):  # rounded times are kept apart, as ``timesteps`` does
        times = [max(n - i, t) for i, t in enumerate(times)]
        for i in range(1, n):
            times[i] = min(times[i], times[i - 1] - 1)
    return [*times, path.time(0)]
