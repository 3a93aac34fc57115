"""Maximum mean discrepancy: the distance of two mean values in the space of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from genbook.arguments import integer
from genbook.evaluation.inputs import checked, in_double

__all__ = ["PermutationTest", "median_bandwidth", "mmd", "mmd_test", "polynomial", "rbf"]

Kernel = Callable[[Tensor, Tensor], Tensor]
"""From ``(N, D)`` and ``(M, D)`` to the matrix ``(N, M)`` of the values k(x_i, y_j)."""


def rbf(bandwidth: float) -> Kernel:
    """The Gaussian kernel exp(−‖x − y‖² / 2h²) with bandwidth h.

    Raises:
        ValueError: a bandwidth that is not a positive number.
    """
    if not 0 < bandwidth < float("inf"):
        raise ValueError(f"the bandwidth must be a positive number, not {bandwidth}")

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        # ‖x‖² + ‖y‖² − 2 x·y, about a common centre: far from zero the squares would cancel badly
        centre = x.mean(0)
        x, y = x - centre, y - centre
        squares = (x.square().sum(1)[:, None] + y.square().sum(1)).addmm_(x, y.T, alpha=-2)
        return squares.clamp_(min=0).mul_(-0.5 / bandwidth**2).exp_()

    return kernel


def polynomial(degree: int = 3, offset: float = 1.0) -> Kernel:
    """The kernel (x·y / D + offset)^degree of D-dimensional features; degree 3 gives the KID.

    Raises:
        TypeError: a degree that is no integer: a root of a negative number would be NaN.
        ValueError: a degree below one, or an offset below zero.

    Source: Bińkowski et al. 2018.
    """
    degree = integer("degree", degree)
    if degree < 1 or not offset >= 0:
        raise ValueError(f"degree must be ≥ 1 and offset ≥ 0, not {degree} and {offset}")
    return lambda x, y: (x @ y.T / x.shape[1] + offset) ** degree


def median_bandwidth(x: Tensor, y: Tensor) -> float:
    """The median distance between two different rows of the pooled samples ``(N, D)``, ``(M, D)``.

    A habit, not an optimum: it puts the kernel's width where most distances are.

    Raises:
        ValueError: shapes that do not fit, NaN, infinity, or a median of zero.

    Source: Gretton et al. 2012.
    """
    a, b = checked(x, y)
    median = torch.pdist(torch.cat([a, b])).median().item()
    if median == 0:
        raise ValueError("more than half of the distances are zero: choose the bandwidth yourself")
    return median


def mmd(x: Tensor, y: Tensor, kernel: Kernel | None = None) -> float:
    """Squared maximum mean discrepancy of samples ``(N, D)`` and ``(M, D)``, without bias.

    The mean of k over pairs of different rows of x, plus that of y, minus twice the mean over all
    mixed pairs. For a kernel that was fixed beforehand the estimate is unbiased, and so often
    negative near zero: more than half of the time if both distributions are equal.

    Args:
        kernel: by default the Gaussian one with :func:`median_bandwidth`, which depends on the
            samples. To compare values, or to have no bias, fix one kernel for all of them.

    Raises:
        ValueError: shapes that do not fit, fewer than two rows, NaN or infinity, in the samples or
            in what the kernel makes of them.

    Source: Gretton et al. 2012.
    """
    a, b = checked(x, y)
    kernel = rbf(median_bandwidth(a, b)) if kernel is None else kernel
    own = sum(_off_diagonal_mean(_matrix(kernel, z, z)) for z in (a, b))
    return float(own - 2 * _matrix(kernel, a, b).mean())


class PermutationTest(NamedTuple):
    """The value of a statistic, its p-value, and its values ``(P,)`` under random relabelling."""

    value: float
    p_value: float
    null: Tensor


def mmd_test(
    x: Tensor,
    y: Tensor,
    kernel: Kernel | None = None,
    permutations: int = 500,
    generator: torch.Generator | None = None,
) -> PermutationTest:
    """Could both samples come from one distribution? A permutation test with the unbiased MMD².

    If they do, which row is called x is a matter of chance, so the measured value is one draw among
    those of random relabellings: p = (1 + number of those at least as large) / (1 + permutations).
    The level is exact for every sample size and every kernel that was fixed beforehand, or that
    depends on the pooled rows only, as the default does. The kernel matrix is computed once.

    Raises:
        ValueError: as :func:`mmd`, or no permutation.

    Source: Gretton et al. 2012; Phipson and Smyth 2010 (the 1 +).
    """
    a, b = checked(x, y)
    if permutations < 1:
        raise ValueError(f"permutations must be at least 1, not {permutations}")
    kernel = rbf(median_bandwidth(a, b)) if kernel is None else kernel
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    n, m = len(a), len(b)
    pooled = torch.cat([a, b])
    matrix = in_double(_matrix(kernel, pooled, pooled))
    matrix.fill_diagonal_(0)
    # Row 0 is the true labelling, the others random ones: 1 where a row is called x.
    uniform = torch.rand(permutations, n + m, generator=generator, device=generator.device)
    order = uniform.argsort(1).to(matrix.device)
    member = matrix.new_zeros(1 + permutations, n + m)
    member[0, :n] = 1
    member[1:].scatter_(1, order[:, :n], 1.0)
    within_x = ((member @ matrix) * member).sum(1)
    touching_x = member @ matrix.sum(1)  # pairs whose first row is an x
    mixed = touching_x - within_x
    within_y = matrix.sum() - within_x - 2 * mixed
    values = within_x / (n * (n - 1)) + within_y / (m * (m - 1)) - 2 * mixed / (n * m)
    value, null = values[0].item(), values[1:]
    rounding = 1e-12 * matrix.abs().max()
    at_least = int((null >= value - rounding).sum())
    return PermutationTest(value, (1 + at_least) / (1 + permutations), null)


def _matrix(kernel: Kernel, x: Tensor, y: Tensor) -> Tensor:
    """The kernel's values ``(N, M)``; a NaN among them would compare as no larger than anything."""
    values = kernel(x, y)
    if values.shape != (len(x), len(y)):
        raise ValueError(
            f"a kernel of {len(x)} and {len(y)} rows must give a matrix of that shape, "
            f"not {tuple(values.shape)}"
        )
    if not values.isfinite().all():
        raise ValueError("the kernel gives NaN or infinity for these samples")
    return values


def _off_diagonal_mean(matrix: Tensor) -> Tensor:
    n = len(matrix)
    return (matrix.sum() - matrix.diagonal().sum()) / (n * (n - 1))
