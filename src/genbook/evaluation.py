"""Is it any good? Measures of sample quality, each with an interval.

All tables of the book use these functions. The features are those of the book's own digits
classifier, so the distance here is a *Fréchet distance on classifier features*; the name FID
belongs to Inception features.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from . import weights
from .nn import Classifier

__all__ = ["Interval", "accuracy", "bootstrap", "features", "frechet", "nearest", "predict"]


class Interval(NamedTuple):
    """An estimate and its confidence interval; prints as `0.52 [0.49, 0.55]`."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


@cache
def _judge() -> Classifier:
    model = weights.load("digits-classifier")
    assert isinstance(model, Classifier)
    return model


@torch.no_grad()
def features(x: Tensor) -> Tensor:
    """Features `(N, 32)` of digit images `(N, 1, 8, 8)` in [-1, 1], by the digits classifier."""
    return _judge().features(x.float())


@torch.no_grad()
def predict(x: Tensor) -> Tensor:
    """The classes `(N,)` that the digits classifier sees in images `(N, 1, 8, 8)`."""
    return _judge()(x.float()).argmax(1)


def accuracy(x: Tensor, labels: Tensor) -> float:
    """Share of images `(N, 1, 8, 8)` in which the digits classifier sees the label `(N,)`.

    Raises:
        ValueError: if there are not as many labels as images.
    """
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels must have shape ({len(x)},), not {tuple(labels.shape)}")
    return (predict(x) == labels).double().mean().item()


def frechet(features_a: Tensor, features_b: Tensor) -> float:
    r"""Squared Fréchet distance of two Gaussians fitted to features `(N, D)` and `(M, D)`.

    $\|\mu_a - \mu_b\|^2 + \operatorname{tr}\bigl(C_a + C_b - 2 (C_a^{1/2} C_b
    C_a^{1/2})^{1/2}\bigr)$, in float64. The product inside the root is symmetric, so eigenvalues
    give the root without complex parts, and singular covariances are no special case. The estimate
    is biased upwards by about D^2 / N: compare at equal numbers of samples only.

    Raises:
        ValueError: for features of other shapes, fewer than two rows, NaN or infinity.

    Source: Dowson and Landau 1982; Heusel et al. 2017, equation 6.
    """
    for f in (features_a, features_b):
        if f.ndim != 2 or len(f) < 2 or f.shape[1] != features_a.shape[1]:
            raise ValueError(
                "features must be (N, D) and (M, D) with at least two rows, not "
                f"{tuple(features_a.shape)} and {tuple(features_b.shape)}"
            )
        if not f.isfinite().all():
            raise ValueError("features contain NaN or infinity")
    a, b = features_a.double(), features_b.double()
    cov_a, cov_b = (torch.atleast_2d(torch.cov(f.T)) for f in (a, b))
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    mean = (a.mean(0) - b.mean(0)).square().sum()
    distance = mean + cov_a.trace() + cov_b.trace() - 2 * cross
    return max(distance.item(), 0.0)


def nearest(x: Tensor, train: Tensor) -> Tensor:
    """Euclidean distance `(N,)` of each image `(N, ...)` to its nearest in `train` `(M, ...)`.

    Samples that lie nearer to the training images than fresh test images do are memorised.
    """
    if x.shape[1:] != train.shape[1:]:
        raise ValueError(
            f"images differ in shape: {tuple(x.shape[1:])} and {tuple(train.shape[1:])}"
        )
    return torch.cdist(x.flatten(1).double(), train.flatten(1).double()).amin(1)


def bootstrap(
    statistic: Callable[..., float | Tensor],
    *samples: Tensor,
    repeats: int = 200,
    level: float = 0.95,
    generator: torch.Generator | None = None,
    groups: Sequence[Tensor | None] | None = None,
) -> Interval:
    """Value of `statistic(*samples)` with a bootstrap interval.

    Each sample `(N, ...)` is drawn again with repetition along its first dimension, independently
    of the others (put what belongs together into one tensor). Repetition pushes distances such as
    `frechet` upwards, so the quantiles are moved by that bias: the interval is the spread around
    `value`, and says nothing of the bias that `value` itself has.

    Args:
        generator: of the resampling; by default a fresh one with seed 0, so the interval is
            reproducible.
        groups: for each sample labels `(N,)`, int64 from 0, or None. Rows are then drawn within
            their group, so each group keeps its size. Right when the sizes were chosen, as with 50
            images of each class: drawing over all would add a spread that the experiment has not.

    Raises:
        ValueError: for a level outside (0, 1), fewer than two repeats, an empty sample, or groups
            that do not fit the samples.

    Source: Efron 1979; Efron and Tibshirani 1993, chapters 10 (bias) and 13 (percentiles).
    """
    if not 0 < level < 1 or repeats < 2:
        raise ValueError(
            f"level must be in (0, 1) and repeats at least 2, not {level} and {repeats}"
        )
    if not samples or any(len(s) == 0 for s in samples):
        raise ValueError("give at least one sample, none of them empty")
    groups = [None] * len(samples) if groups is None else groups
    if len(groups) != len(samples) or any(
        g is not None and len(g) != len(s) for s, g in zip(samples, groups, strict=True)
    ):
        raise ValueError("groups must hold, for each sample, None or one label a row")
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    value = float(statistic(*samples))
    draws = torch.empty(repeats, dtype=torch.float64)
    for i in range(repeats):
        again = [s[_again(len(s), g, generator)] for s, g in zip(samples, groups, strict=True)]
        draws[i] = float(statistic(*again))
    tail = (1 - level) / 2
    low, high = (
        draws.quantile(torch.tensor([tail, 1 - tail]).double()) - draws.mean() + value
    ).tolist()
    return Interval(value, low, high)


def _again(n: int, groups: Tensor | None, generator: torch.Generator) -> Tensor:
    """Indices `(n,)` drawn with repetition, each from the group of the row that it replaces."""
    if groups is None:
        return torch.randint(n, (n,), generator=generator)
    sizes = torch.bincount(groups)
    starts = sizes.cumsum(0) - sizes
    of = groups.sort().values  # row i of the sorted sample is in group of[i]
    # float64, where rand() stays far enough below 1 for the product to stay below the size
    within = (torch.rand(n, generator=generator, dtype=torch.float64) * sizes[of]).long()
    return groups.argsort(stable=True)[starts[of] + within]
