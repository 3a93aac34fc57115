"""The arithmetic of Gaussians N(m, C): maps, products, conditionals, and the KL divergence.

A mean has the shape ``(D,)`` and a covariance ``(D, D)``, symmetric and positive definite, of one
floating-point type; batches may come first unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

__all__ = ["condition", "kl", "linear_map", "product"]


def linear_map(
    mean: Tensor,
    covariance: Tensor,
    matrix: Tensor,
    shift: Tensor | float = 0.0,
    noise: Tensor | float = 0.0,
) -> tuple[Tensor, Tensor]:
    r"""Mean and covariance of $A x + c + z$ for $x \sim \mathcal{N}(m, C)$ and fresh noise z.

    $A m + c$ and $A C A^\top + R$, for a matrix A ``(E, D)``, a shift c ``(E,)`` and independent
    noise z of mean 0 and covariance R ``(E, E)``, which may be singular. Batches may come first.

    Raises:
        TypeError: not floating-point, or of several types.
        ValueError: shapes that do not fit, NaN or infinity, a covariance C that is not symmetric
            and positive definite, or an R that is not symmetric or has a negative eigenvalue. A
            number other than 0 is no shift and no covariance: say along which axes.
    """
    mean, covariance, matrix = tensors(mean=mean, covariance=covariance, matrix=matrix)
    _cholesky(mean, covariance)
    if matrix.ndim < 2 or matrix.shape[-1] != mean.shape[-1]:
        raise ValueError(
            f"the matrix must have shape (E, {mean.shape[-1]}), not {tuple(matrix.shape)}"
        )
    image, spread = (matrix @ mean[..., None])[..., 0], matrix @ covariance @ matrix.mT
    E = matrix.shape[-2]
    shift, noise = (
        v if isinstance(v, Tensor) else torch.as_tensor(v, dtype=image.dtype, device=image.device)
        for v in (shift, noise)
    )
    if shift.ndim or shift != 0:
        image, shift = tensors(image=image, shift=shift)
        if shift.shape[-1:] != (E,):
            raise ValueError(f"the shift must be 0 or have shape ({E},), not {tuple(shift.shape)}")
        image = image + shift
    if noise.ndim or noise != 0:
        spread, noise = tensors(image=spread, noise=noise)
        if noise.shape[-2:] != (E, E):
            raise ValueError(
                f"the noise must be 0 or a covariance of shape ({E}, {E}), not {tuple(noise.shape)}"
            )
        symmetric(noise, "the covariance of the noise")
        values = torch.linalg.eigvalsh(noise)
        if (values[..., 0] < -E * torch.finfo(noise.dtype).eps * values.abs().amax(-1)).any():
            raise ValueError(
                f"the covariance of the noise has a negative eigenvalue {float(values.min()):.3g}"
            )
        spread = spread + noise
    return image, spread


def product(
    mean1: Tensor, covariance1: Tensor, mean2: Tensor, covariance2: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    r"""$\mathcal{N}(x; m_1, C_1)\,\mathcal{N}(x; m_2, C_2) = Z\,\mathcal{N}(x; m, C)$.

    Inverse covariances add, $C^{-1} = C_1^{-1} + C_2^{-1}$, and
    $m = C (C_1^{-1} m_1 + C_2^{-1} m_2)$, $Z = \mathcal{N}(m_1; m_2, C_1 + C_2)$. Computed with the
    gain $G = C_1 (C_1 + C_2)^{-1}$, as $m_1 + G (m_2 - m_1)$ and $G C_2$: one inverse, and no
    difference of covariances, which would be all rounding where one of them is much the larger.

    Returns:
        m ``(D,)``, C ``(D, D)`` and log Z.
    """
    mean1, covariance1, mean2, covariance2 = tensors(
        mean1=mean1, covariance1=covariance1, mean2=mean2, covariance2=covariance2
    )
    _cholesky(mean1, covariance1), _cholesky(mean2, covariance2)
    _same_space(mean1, mean2)
    root = torch.linalg.cholesky(covariance1 + covariance2)
    gain = torch.cholesky_solve(covariance1, root).mT
    apart = (mean2 - mean1)[..., None]
    white = torch.linalg.solve_triangular(root, apart, upper=False)[..., 0]
    log_root = root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
    log_z = -0.5 * white.square().sum(-1) - log_root
    covariance = gain @ covariance2
    return (
        mean1 + (gain @ apart)[..., 0],
        (covariance + covariance.mT) / 2,
        log_z - 0.5 * mean1.shape[-1] * math.log(2 * math.pi),
    )


def condition(
    mean: Tensor, covariance: Tensor, known: Sequence[int] | Tensor, value: Tensor
) -> tuple[Tensor, Tensor]:
    r"""The rest of $x \sim \mathcal{N}(m, C)$ when the entries ``known`` are ``value``.

    With u the unknown and v the known entries: mean
    $m_u + C_{uv} C_{vv}^{-1} (v - m_v)$, covariance
    $C_{uu} - C_{uv} C_{vv}^{-1} C_{vu}$, which does not depend on the value.

    Args:
        mean: shape ``(D,)``, of one Gaussian.
        covariance: shape ``(D, D)``.
        known: different indices in 0..D − 1.
        value: shape ``(…, len(known))``; batches give batches of means.

    Raises:
        TypeError: not floating-point, or of several types; ``known`` holds something
            else than integers (booleans are no indices).
        ValueError: shapes or indices that do not fit, NaN or infinity, a covariance
            that is not symmetric and positive definite.
    """
    mean, covariance, value = tensors(mean=mean, covariance=covariance, value=value)
    _cholesky(mean, covariance)
    if mean.ndim > 1 or covariance.ndim > 2:
        raise ValueError(
            "only the values may come in batches, "
            "the mean must have shape (D,) and the covariance "
            f"(D, D), got {tuple(mean.shape)} and {tuple(covariance.shape)}"
        )
    v = torch.atleast_1d(known).tolist() if isinstance(known, Tensor) else list(known)
    if not all(isinstance(i, Integral) and not isinstance(i, bool) for i in v):
        raise TypeError(f"known must hold indices, which are integers, got {v}")
    D = len(mean)
    if not v or len(set(v)) != len(v) or not all(0 <= i < D for i in v) or len(v) == D:
        raise ValueError(f"known must be some, not all, indices in 0..{D - 1}, got {v}")
    if value.shape[-1:] != (len(v),):
        raise ValueError(f"{len(v)} known entries need as many values: {value.shape}")
    u = [i for i in range(D) if i not in v]
    cross, of_v = covariance[u][:, v], covariance[v][:, v]
    gain = torch.linalg.solve(of_v, cross.mT).mT
    return mean[u] + (value - mean[v]) @ gain.mT, covariance[u][:, u] - gain @ cross.mT


def kl(mean1: Tensor, covariance1: Tensor, mean2: Tensor, covariance2: Tensor) -> Tensor:
    r"""$\mathrm{KL}(\mathcal{N}(m_1, C_1) \,\|\, \mathcal{N}(m_2, C_2))$ in nats.

    With d = m_2 − m_1 and D dimensions this is half of
    $\operatorname{tr}(C_2^{-1} C_1) + d^\top C_2^{-1} d - D + \log(\det C_2 / \det C_1)$,
    for means ``(D,)`` and covariances ``(D, D)``; batches may come first.

    Raises:
        TypeError, ValueError: as for :class:`~genbook.gaussians.GaussianMixture`.
    """
    mean1, covariance1, mean2, covariance2 = tensors(
        mean1=mean1, covariance1=covariance1, mean2=mean2, covariance2=covariance2
    )
    root1, root2 = _cholesky(mean1, covariance1), _cholesky(mean2, covariance2)
    _same_space(mean1, mean2)
    white = torch.linalg.solve_triangular(root2, (mean2 - mean1)[..., None], upper=False)
    ratio = torch.linalg.solve_triangular(root2, root1, upper=False)
    logs = [root.diagonal(dim1=-2, dim2=-1).log().sum(-1) for root in (root1, root2)]
    squares = ratio.square().sum((-2, -1)) + white.square().sum((-2, -1))
    return 0.5 * (squares - mean1.shape[-1]) + logs[1] - logs[0]


def tensors(**given: Any) -> list[Tensor]:
    """The arguments as tensors of one floating-point type, finite."""
    tensors = {name: torch.as_tensor(value) for name, value in given.items()}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise TypeError(f"{name} must be floating-point, not {tensor.dtype}")
        if not tensor.isfinite().all():
            raise ValueError(f"{name} must be finite, got NaN or infinity")
    if len({tensor.dtype for tensor in tensors.values()}) > 1:
        found = ", ".join(f"{name} {tensor.dtype}" for name, tensor in tensors.items())
        raise TypeError(f"all must be of one type, got {found}")
    return list(tensors.values())


def symmetric(covariance: Tensor, name: str) -> None:
    """Refuse a matrix that is lopsided on its own scale, whatever else is in the batch."""
    apart = (covariance - covariance.mT).abs().amax((-2, -1))
    size = covariance.abs().amax((-2, -1))
    lopsided = apart > math.sqrt(torch.finfo(covariance.dtype).eps) * size
    if lopsided.any():
        worst = float(apart[lopsided].max())
        raise ValueError(f"{name} must be symmetric, entries differ by {worst:.3g}")


def _cholesky(mean: Tensor, covariance: Tensor) -> Tensor:
    """The lower root of a covariance ``(…, D, D)`` that fits a mean ``(…, D)``."""
    D = mean.shape[-1] if mean.ndim else 0
    if D == 0 or covariance.shape[-2:] != (D, D):
        raise ValueError(
            "a mean (D,) needs a covariance (D, D), got "
            f"{tuple(mean.shape)} and {tuple(covariance.shape)}"
        )
    symmetric(covariance, "a covariance")
    root, failed = torch.linalg.cholesky_ex(covariance)
    if failed.any():
        raise ValueError("a covariance is not positive definite")
    return root


def _same_space(mean1: Tensor, mean2: Tensor) -> None:
    if mean1.shape[-1] != mean2.shape[-1]:
        raise ValueError(
            f"the two Gaussians have {mean1.shape[-1]} and {mean2.shape[-1]} dimensions"
        )
