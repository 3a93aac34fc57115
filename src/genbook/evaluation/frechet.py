"""The Fréchet distance: how far two Gaussians are apart, in the sense of optimal transport.

Everybody's root is a D × D one, of a product that is not symmetric, and may come out complex. Here
nothing can: with factors C_a = Aᵀ A and C_b = Bᵀ B the trace of the root is the sum of the singular
values of A Bᵀ, and they are real, whatever the rank. Any factors serve, and triangular ones are
cheap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genbook.evaluation.inputs import checked, in_double
from genbook.evaluation.intervals import Interval, bootstrap

__all__ = ["frechet", "frechet_extrapolated", "gaussian_frechet"]


def frechet(features_a: Tensor, features_b: Tensor) -> float:
    r"""Squared Fréchet distance of two Gaussians fitted to features ``(N, D)`` and ``(M, D)``.

    $\|\mu_a - \mu_b\|^2 + \operatorname{tr}(C_a + C_b - 2 (C_a^{1/2} C_b C_a^{1/2})^{1/2})$,
    in float64, with covariances divided by N − 1. Covariances without full rank are no special
    case. The estimate is biased upwards by an amount that falls like 1/N and
    grows with the number of directions in which the features vary: like D² if all vary alike.
    Compare at equal numbers of samples only, or see :func:`frechet_extrapolated`.

    Raises:
        ValueError: for features of other shapes, fewer than two rows, NaN or infinity.

    Source: Dowson and Landau 1982; Heusel et al. 2017.
    """
    a, b = checked(features_a, features_b)
    quick = _quick(a, b)
    return _distance(a.mean(0), _factor(a), b.mean(0), _factor(b)) if quick is None else quick


def gaussian_frechet(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """The same from means ``(D,)`` and covariances ``(D, D)``.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity, or a matrix that is not a covariance:
            not symmetric, or with an eigenvalue below zero by more than the rounding of its dtype.

    Source: Olkin and Pukelsheim 1982.
    """
    means = checked(mean_a[None], mean_b[None], "means", 1, 1)
    factors = [_root(c, mean_a.numel()) for c in (cov_a, cov_b)]
    return _distance(means[0][0], factors[0], means[1][0], factors[1])


def frechet_extrapolated(
    features_a: Tensor,
    features_b: Tensor,
    splits: Sequence[int] = (1, 2, 3, 4),
    repeats: int = 100,
    level: float = 0.95,
    generator: torch.Generator | None = None,
    groups: tuple[Tensor, Tensor] | None = None,
) -> Interval:
    """The Fréchet distance for infinitely many samples, with its interval.

    Both samples are shuffled and cut into m pieces, for each m in ``splits``; the mean
    distance of the m pairs of pieces has m times the bias of the whole. A straight line
    over m meets m = 0 where the bias is gone. Near zero the value may be negative: that
    is what unbiased means there.

    Args:
        splits: the numbers of pieces, at least two different ones. The smallest piece
            needs more rows than columns, or its covariance has no full rank and the
            bias is no line.
        repeats, level, generator: see :func:`bootstrap`, which makes the interval.
        groups: the classes, int64 ``(N,)`` and ``(M,)``, where their sizes were chosen:
            every piece then holds its share of each class, and so does every bootstrap
            sample.

    Raises:
        ValueError: as :func:`frechet`; too few samples for the splits; or fewer than
            two splits.

    Source: Chong and Forsyth 2020 (they fit the line to one sample, against
    a fixed other one).
    """
    if len(set(splits)) < 2 or min(splits) < 1:
        raise ValueError(f"splits must be two or more different numbers, not {splits}")
    least = max(splits) * (features_a.shape[-1] + 1)
    a, b = checked(features_a, features_b, rows_a=least, rows_b=least)
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    if groups is None:
        one = torch.zeros(max(len(a), len(b)), dtype=torch.int64)
        groups = one[: len(a)], one[: len(b)]
    groups = (groups[0].cpu(), groups[1].cpu())
    if len(groups[0]) != len(a) or len(groups[1]) != len(b):
        raise ValueError("groups must hold one label for each row of either sample")
    # In the order of their groups, as `bootstrap` returns the rows that it draws.
    a, b = (x[g.argsort(stable=True)] for x, g in zip((a, b), groups, strict=True))
    of_a, of_b = (g.sort().values for g in groups)
    m = torch.tensor(splits, dtype=torch.float64)
    slopes = (m - m.mean()) / (m - m.mean()).square().sum()
    weights = 1 / len(m) - m.mean() * slopes  # of the intercept of the fitted line

    def at_zero(a: Tensor, b: Tensor) -> Tensor:
        a, b = a[_shuffled(of_a, generator)], b[_shuffled(of_b, generator)]
        means = [sum(frechet(a[i::n], b[i::n]) for i in range(n)) / n for n in splits]
        return weights @ torch.tensor(means, dtype=torch.float64)

    return bootstrap(
        at_zero,
        a,
        b,
        repeats=repeats,
        level=level,
        generator=generator,
        groups=(of_a, of_b),
    )


def _shuffled(groups: Tensor, generator: torch.Generator) -> Tensor:
    """A random order in which every n-th row makes a piece with its share of each group."""
    order = torch.randperm(len(groups), generator=generator, device=generator.device).cpu()
    return order[groups[order].argsort(stable=True)]


def _distance(
    mean_a: Tensor,
    factor_a: Tensor,
    mean_b: Tensor,
    factor_b: Tensor,
) -> float:
    """From means (D,) and factors (K, D) of the covariances, C = factorᵀ factor."""
    cross = torch.linalg.svdvals(factor_a @ factor_b.T).sum()
    traces = factor_a.square().sum() + factor_b.square().sum()
    distance = (mean_a - mean_b).square().sum() + traces - 2 * cross
    return max(distance.item(), 0.0)  # rounding may go below zero, the distance may not


def _factor(x: Tensor) -> Tensor:
    """A triangular factor (min(N, D), D) of the sample's covariance."""
    centred = x - x.mean(0)
    if len(x) > x.shape[1]:
        covariance = centred.T @ centred / (len(x) - 1)
        factor, failed = torch.linalg.cholesky_ex(covariance, upper=True)
        pivots = factor.diagonal()
        if not failed and pivots.min() > 1e-4 * pivots.max():
            return factor
    # Twice the work, but the covariance is never formed: small pivots keep all digits.
    return torch.linalg.qr(centred / (len(x) - 1) ** 0.5, mode="r").R


def _quick(a: Tensor, b: Tensor) -> float | None:
    """What :func:`_distance` makes of two factors, in half the time; None if digits would be lost.

    The squares of the singular values of R_a R_bᵀ are the eigenvalues of R_a C_b R_aᵀ: symmetric,
    and without the second factor. Their rounding errors are those of the second moments, and the
    roots of small ones magnify them; so the smallest must not be small beside the moments. In
    NumPy, which sees that both factors of xᵀ x are one matrix and computes half; torch does not.
    """
    if a.device.type != "cpu" or min(len(a), len(b)) <= a.shape[1]:
        return None
    (mean_a, cov_a), (mean_b, cov_b) = _moments(a.detach().numpy()), _moments(b.detach().numpy())
    try:
        lower = np.linalg.cholesky(cov_a)
    except np.linalg.LinAlgError:
        return None
    squares = np.linalg.eigvalsh(lower.T @ cov_b @ lower)
    traces = cov_a.trace() + cov_b.trace()
    if not squares[0] > 1e-10 * (traces + mean_a @ mean_a + mean_b @ mean_b) ** 2:
        return None
    gap = mean_a - mean_b
    return max(float(gap @ gap + traces - 2 * np.sqrt(squares).sum()), 0.0)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and covariance (D, D), in one pass each and without a centred copy."""
    mean = np.ones(len(x)) @ x / len(x)  # faster than x.mean(0)
    return mean, (x.T @ x - len(x) * np.outer(mean, mean)) / (len(x) - 1)


def _root(covariance: Tensor, d: int) -> Tensor:
    """A factor (D, D) of a given covariance."""
    c = in_double(covariance)
    if c.shape != (d, d) or not c.isfinite().all():
        raise ValueError(f"a covariance must be ({d}, {d}) and finite, not {tuple(c.shape)}")
    values, vectors = torch.linalg.eigh(c)
    eps = torch.finfo(covariance.dtype).eps if covariance.is_floating_point() else 0.0
    rounding = max(1e-10, d * eps) * values.abs().max()
    if (c - c.T).abs().max() > rounding or values.min() < -rounding:
        raise ValueError(
            f"no covariance: asymmetric by {(c - c.T).abs().max():.2g}, "
            f"smallest eigenvalue {values.min():.2g}"
        )
    return values.clamp(min=0).sqrt()[:, None] * vectors.T
