"""Error bars: an interval for any statistic of any samples, by drawing them again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from genbook.arguments import tensors

__all__ = ["Interval", "bootstrap"]


class Interval(NamedTuple):
    """An estimate and its confidence interval; prints as ``0.52 [0.49, 0.55]``."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def bootstrap(
    statistic: Callable[..., float | Tensor],
    *samples: Tensor,
    repeats: int = 200,
    level: float = 0.95,
    generator: torch.Generator | None = None,
    groups: Sequence[Tensor | None] | None = None,
    bounds: tuple[float, float] | None = None,
) -> Interval:
    """Value of ``statistic(*samples)`` with a bootstrap interval.

    Each sample ``(N, ...)`` is drawn again with repetition along its first dimension, independently
    of the others (put what belongs together into one tensor). Repetition pushes distances such as
    ``frechet`` upwards, so the quantiles are moved by that bias: the interval is the spread around
    ``value``, and says nothing of the bias that ``value`` itself has.

    Args:
        generator: of the resampling; by default a fresh one with seed 0, so the interval is
            reproducible.
        groups: for each sample labels ``(N,)``, int64 from 0, or None. Rows are then drawn within
            their group, so each group keeps its size. Right when the sizes were chosen, as with 50
            images of each class: drawing over all would add a spread that the experiment has not.
        bounds: the least and the greatest value that the statistic can have, such as (0, 1) for a
            share. Moved quantiles may lie beyond them; the interval is cut there.

    Raises:
        ValueError: for a level outside (0, 1), fewer than two repeats, a sample of fewer than two
            rows (drawn again it is always itself, and would seem certain), groups that do not fit
            the samples, a value outside its bounds, or a statistic that is NaN, or infinite for
            some of the samples drawn again.

    Source: Efron 1979; Efron and Tibshirani 1993, chapters 10 (bias) and 13 (percentiles).
    """
    if not 0 < level < 1 or repeats < 2:
        raise ValueError(
            f"level must be in (0, 1) and repeats at least 2, not {level} and {repeats}"
        )
    tensors(**{f"sample {i}": s for i, s in enumerate(samples)})
    if not samples or any(len(s) < 2 for s in samples):
        raise ValueError("give at least one sample, each of two rows or more")
    groups = [None] * len(samples) if groups is None else groups
    if len(groups) != len(samples) or any(
        g is not None and len(g) != len(s) for s, g in zip(samples, groups, strict=True)
    ):
        raise ValueError("groups must hold, for each sample, None or one label a row")
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    value = float(statistic(*samples))
    if math.isnan(value):
        raise ValueError("the statistic is NaN for these samples")
    if bounds is not None and not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"the value {value:g} is outside its bounds {bounds}")
    draws = torch.empty(repeats, dtype=torch.float64)
    for i in range(repeats):
        drawn = [_again(len(s), g, generator) for s, g in zip(samples, groups, strict=True)]
        again = [s[rows.to(s.device)] for s, rows in zip(samples, drawn, strict=True)]
        draws[i] = float(statistic(*again))
    if not draws.isfinite().all():
        bad = int((~draws.isfinite()).sum())
        raise ValueError(
            f"the statistic is NaN or infinite for {bad} of {repeats} samples drawn again: it has "
            "no interval (more rows, or a statistic that divides by nothing)"
        )
    tail = (1 - level) / 2
    low, high = (
        draws.quantile(torch.tensor([tail, 1 - tail]).double()) - draws.mean() + value
    ).tolist()
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return Interval(value, low, high)


def _again(n: int, groups: Tensor | None, generator: torch.Generator) -> Tensor:
    """Indices ``(n,)`` drawn with repetition, each from the group of the row that it replaces.

    All of it happens where the generator lives.
    """
    device = generator.device
    if groups is None:
        return torch.randint(n, (n,), generator=generator, device=device)
    groups = groups.to(device)
    sizes = torch.bincount(groups)
    starts = sizes.cumsum(0) - sizes
    of = groups.sort().values  # row i of the sorted sample is in group of[i]
    # float64, where rand() stays far enough below 1 for the product to stay below the size
    uniform = torch.rand(n, generator=generator, dtype=torch.float64, device=device)
    within = (uniform * sizes[of]).long()
    return groups.argsort(stable=True)[starts[of] + within]
