"""What makes a check of ``verify`` worthless: tolerances and standard errors that hide mistakes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from genbook._verifying import fail, number, worst

# No tolerance may hide an error of this part of the expected size: real mistakes (a lost square
# root, beta for alpha, a factor 2) are larger, and rounding is far smaller.
_LARGEST_TOLERANCE = 1e-3
# With named near mistakes, all of which must be refused, so large a tolerance is still honest.
_LARGEST_WITH_REJECTS = 1e-2
# An absolute tolerance below this part of the typical size only covers rounding.
_ROUNDING = 1e-6
# A component that no near mistake tells must be able to see an error of this part of the size.
_DEFAULT_ERROR = 0.1


def check_tolerance(
    label: str, right: np.ndarray, rtol: float, atol: float, rejects: bool
) -> float:
    """The typical size of ``right``; refuse a tolerance that hides an error."""
    sizes = np.abs(right[right != 0])
    size = float(np.median(sizes))
    most = _LARGEST_WITH_REJECTS if rejects else _LARGEST_TOLERANCE
    if not (0 <= rtol <= most and 0 <= atol <= most * size):
        fail(
            label,
            f"the tolerance (rtol {rtol:g}, atol {atol:g}) would accept an error of more than "
            f"{most:.1%} of the typical size {size:.3g}"
            + ("." if rejects else "; up to 1 % is accepted beside near mistakes, in `rejects`."),
        )
    if atol > _ROUNDING * size and atol > _LARGEST_WITH_REJECTS * sizes.min():
        fail(
            label,
            f"the tolerance atol {atol:g} hides whole entries: the smallest is {sizes.min():.3g}. "
            "Use rtol alone, or compare the small entries by themselves.",
        )
    return size


def check_resolution(
    label: str,
    target: np.ndarray,
    mistakes: list[tuple[str, np.ndarray]],
    needed: np.ndarray,
    n: int,
) -> None:
    """Refuse a standard error with which a mistake could pass; ``needed`` is 2 z · error."""
    told = np.zeros(target.shape, dtype=bool)
    for name, wrong in mistakes:
        gap = np.abs(wrong - target)
        if not gap.any():
            fail(label, f"{name} equals expected: it must be what a mistake would give.")
        if not (gap > needed).any():
            _too_wide(label, f"“{name}”", float((needed[gap > 0] / gap[gap > 0]).min()), n)
        told |= gap > needed
    size = _DEFAULT_ERROR * np.abs(target).max()
    if not mistakes and not size:
        fail(label, "expected is zero and so has no scale of its own: name a mistake in `rejects`.")
    blind = ~told & (needed > size)
    if blind.any():
        at, where = worst(np.where(blind, needed, 0))
        factor = float(needed[at] / size) if size else math.inf
        what = f"a value that is off by 10 %{where}"
        _too_wide(label, what + (", where no near mistake differs" if mistakes else ""), factor, n)


def _too_wide(label: str, wrong: str, factor: float, n: int) -> None:
    enough = "" if math.isinf(factor) else f"; about {math.ceil(n * factor**2)} samples could"
    fail(
        label,
        f"the standard error of {n} samples is too wide to tell expected from {wrong}{enough}.",
    )


def is_interval(value: Any) -> bool:
    return hasattr(value, "low") and hasattr(value, "high")


def interval(label: str, value: Any) -> tuple[float, float, float]:
    """Low end, value and high end; three times the same for a number."""
    if not is_interval(value):
        given = number(label, value)
        return given, given, given
    low, middle, high = (number(label, part) for part in (value.low, value.value, value.high))
    if not low <= middle <= high:
        fail(label, f"the interval {low:g} … {high:g} does not contain its value {middle:g}.")
    return low, middle, high
