"""Measures made of nearest neighbours: precision, recall, density, coverage, and memorisation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from genbook.arguments import tensors
from genbook.evaluation.inputs import checked, in_double
from genbook.evaluation.intervals import Interval, bootstrap

__all__ = [
    "DensityCoverage",
    "Memorisation",
    "PrecisionRecall",
    "density_coverage",
    "expected_coverage",
    "memorisation",
    "nearest",
    "precision_recall",
]


class PrecisionRecall(NamedTuple):
    """Share of samples near real data, and share of real data near samples."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Mean number of real neighbourhoods around a sample, over k, and share of those visited."""

    density: float
    coverage: float


def precision_recall(samples: Tensor, real: Tensor, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall of features ``(N, D)`` of samples and ``(M, D)`` of real data.

    Around each real point lies a ball that reaches to its k-th nearest other real point. Precision
    is the share of samples in at least one ball; recall is the same with the roles exchanged.

    Raises:
        ValueError: shapes that do not fit, at most k rows, NaN or infinity, or k below one.

    Source: Kynkäänniemi et al. 2019.
    """
    x, y = _neighbourly(samples, real, k)
    between = _distances(x, y)
    precision = (between <= _radii(y, k)).any(1)
    recall = (between <= _radii(x, k)[:, None]).any(0)
    return PrecisionRecall(precision.double().mean().item(), recall.double().mean().item())


def density_coverage(samples: Tensor, real: Tensor, k: int = 5) -> DensityCoverage:
    """Density and coverage of features ``(N, D)`` of samples and ``(M, D)`` of real data.

    With the balls of :func:`precision_recall` around *real* points only: density is the mean number
    of balls that hold a sample, divided by k; coverage is the share of balls that hold at least one
    sample. For independent samples of the very distribution of the real data, if no two distances
    tie, the means are 1 and :func:`expected_coverage`.

    Raises:
        ValueError: as :func:`precision_recall`.

    Source: Naeem et al. 2020.
    """
    x, y = _neighbourly(samples, real, k)
    inside = _distances(x, y) <= _radii(y, k)
    density = inside.double().sum(1).mean().item() / k
    return DensityCoverage(density, inside.any(0).double().mean().item())


def expected_coverage(n: int, m: int, k: int = 5) -> float:
    """The mean coverage of n samples from the very distribution of the m real points.

    1 − Π_{j=1..k} (m − j) / (n + m − j): the ball of a real point is empty if its k nearest among
    all other points are real ones.

    Source: Naeem et al. 2020.
    """
    if not (n >= 1 and 1 <= k < m):
        raise ValueError(f"coverage needs n ≥ 1 and 1 ≤ k < m, not n = {n}, m = {m}, k = {k}")
    empty = 1.0
    for j in range(1, k + 1):
        empty *= (m - j) / (n + m - j)
    return 1 - empty


def nearest(x: Tensor, train: Tensor) -> Tensor:
    """Euclidean distance ``(N,)`` of each image ``(N, …)`` to its nearest in ``train``, ``(M, …)``.

    The yardstick are the distances of fresh test images: see :func:`memorisation`.

    Raises:
        ValueError: images of different shapes, no training image, NaN or infinity.
    """
    tensors(x=x, train=train)
    if x.shape[1:] != train.shape[1:]:
        raise ValueError(
            f"images differ in shape: {tuple(x.shape[1:])} and {tuple(train.shape[1:])}"
        )
    if len(train) == 0 or not (x.isfinite().all() and train.isfinite().all()):
        raise ValueError("there is no training image, or the images contain NaN or infinity")
    return _distances(in_double(x.flatten(1)), in_double(train.flatten(1))).amin(1)


class Memorisation(NamedTuple):
    """Are samples nearer to the training data than fresh data are?

    Attributes:
        ratio: mean distance of the samples to the training data over that of held-out data.
        p_value: of the hypothesis that the samples are no nearer than held-out data.
        close: share of samples at least as near as the nearest few of the held-out data.
    """

    ratio: Interval
    p_value: float
    close: Interval


def memorisation(
    samples: Tensor,
    held_out: Tensor,
    train: Tensor,
    quantile: float = 0.05,
    repeats: int = 1000,
    generator: torch.Generator | None = None,
) -> Memorisation:
    """Compare the distances of samples and of held-out data to the training images.

    The null hypothesis is that samples lie as held-out data do. Its distribution of the
    ratio comes from the held-out distances: the mean of as many draws as there are
    samples over the mean of as many draws as there are held-out data, all with
    repetition. The p-value is
    (1 + number of such ratios at most the measured one) / (1 + repeats).

    A few copies do not move a mean; ``close`` finds those. It is the share of samples
    no farther than the given quantile of the held-out distances, and ``quantile``
    itself if the samples lie as held-out data do. (If more than that share of the
    held-out data are exact duplicates of training data, the quantile is zero, and
    ``close`` is the share of exact copies.)

    Samples that are too typical, too, lie nearer to the training data: an alarm, not a
    verdict.

    Args:
        samples, held_out, train: images or features ``(N, …)``, ``(H, …)``, ``(M, …)``.

    Raises:
        ValueError: shapes that do not fit, fewer than two samples or held-out images,
            NaN or infinity, or a quantile outside (0, 1).
    """
    if not 0 < quantile < 1 or repeats < 2:
        given = f"{quantile} and {repeats}"
        raise ValueError(f"quantile must be in (0, 1), repeats ≥ 2, not {given}")
    tensors(samples=samples, held_out=held_out, train=train)
    checked(samples.flatten(1), train.flatten(1), "images", 2, 1)
    checked(held_out.flatten(1), train.flatten(1), "images", 2, 1)
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    mine, fresh = nearest(samples, train), nearest(held_out, train)
    if fresh.mean() == 0:
        raise ValueError("all held-out images are training images")
    ratio = bootstrap(
        lambda a, b: a.mean() / b.mean(),
        mine,
        fresh,
        repeats=repeats,
        generator=generator,
    )
    many, own = (
        torch.randint(len(fresh), size, generator=generator, device=generator.device)
        for size in ((repeats, len(mine)), (repeats, len(fresh)))
    )
    many, own = many.to(fresh.device), own.to(fresh.device)
    null = fresh[many].mean(1) / fresh[own].mean(1)
    p_value = (1 + int((null <= ratio.value).sum())) / (1 + repeats)
    # Of H held-out distances the r-th has a share r / (H + 1) of the distribution
    # below it, in the mean; torch puts the r-th at (r - 1) / (H - 1).
    below = max(0.0, (quantile * (len(fresh) + 1) - 1) / (len(fresh) - 1))
    close = bootstrap(
        lambda a, b: (a <= b.quantile(below)).double().mean(),
        mine,
        fresh,
        repeats=repeats,
        generator=generator,
        bounds=(0.0, 1.0),
    )
    return Memorisation(ratio, p_value, close)


def _neighbourly(samples: Tensor, real: Tensor, k: int) -> tuple[Tensor, Tensor]:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return checked(samples, real, rows_a=k + 1, rows_b=k + 1)


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances ``(N, M)``, from differences: exactly zero between equal points."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


def _radii(x: Tensor, k: int) -> Tensor:
    """Distance ``(N,)`` of each point to its k-th nearest other point."""
    own = _distances(x, x).fill_diagonal_(-1)
    return own.topk(k + 1, dim=1, largest=False).values[:, -1]
