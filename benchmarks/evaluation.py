"""Fréchet distance and MMD against SciPy, torchmetrics and scikit-learn.

The Fréchet distance from features to the number. The common recipe, here written out with SciPy,
takes the root of a matrix product that is not symmetric; torchmetrics takes its eigenvalues. 2000
features of 64 dimensions are the book's size; 256 features of 1024 dimensions are a quick look with
a large network, where the covariances have no full rank. The MMD is unbiased and cubic (the KID),
and Gaussian; and a permutation test beside one that computes the estimate anew for each shuffle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.linalg
import torch
from sklearn.metrics import pairwise
from torch import Tensor

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook import evaluation

SIZES = {"2000 × 64": (2000, 64), "256 × 1024": (256, 1024)}
TARGETS = {"2000 × 64": 0.5, "256 × 1024": 0.1}


def sample(n: int, d: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, n, d, generator=g, dtype=torch.float64)
    return a, 1.2 * b + 0.1


def frechet(name: str) -> list[Comparison]:
    a, b = sample(*SIZES[name])

    def by_scipy() -> float:
        x, y = a.numpy(), b.numpy()
        cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
        root = scipy.linalg.sqrtm(cx @ cy)
        gap = x.mean(0) - y.mean(0)
        return float(gap @ gap + np.trace(cx) + np.trace(cy) - 2 * np.trace(root).real)

    def torchmetrics() -> Work:
        from torchmetrics.image.fid import _compute_fid

        def by_torchmetrics() -> float:
            moments = (
                f(x) for x in (a, b) for f in (lambda x: x.mean(0), lambda x: torch.cov(x.T))
            )
            return float(_compute_fid(*moments))

        return checked(by_torchmetrics)

    def checked(peer: Callable[[], float]) -> Work:
        # Where the rank is full all agree; elsewhere the peers take roots of rounding errors.
        if a.shape[0] > a.shape[1] and abs(peer() / evaluation.frechet(a, b) - 1) > 1e-6:
            raise ValueError(f"{peer.__name__} finds another distance")
        return peer

    return compare(
        f"Fréchet, {name}",
        lambda: evaluation.frechet(a, b),
        {
            "SciPy sqrtm": Peer(TARGETS[name], lambda: checked(by_scipy)),
            "torchmetrics": Peer(TARGETS[name], torchmetrics),
        },
        rounds=31 if name == "2000 × 64" else 5,
    )


def mmd() -> list[Comparison]:
    a, b = sample(1000, 64)
    h, cubic = 8.0, evaluation.polynomial()
    gauss = evaluation.rbf(h)

    def estimate(kernel: Callable[..., np.ndarray]) -> float:
        x, y = a.numpy(), b.numpy()
        xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
        own = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy))
        return float(own - 2 * xy.mean())

    def by_scikit_learn() -> float:
        return estimate(lambda p, q: pairwise.rbf_kernel(p, q, gamma=1 / (2 * h**2)))

    def torchmetrics() -> Work:
        from torchmetrics.image.kid import poly_mmd

        return lambda: poly_mmd(a, b)

    return [
        *compare(
            "MMD, Gaussian, 1000 × 64",
            lambda: evaluation.mmd(a, b, gauss),
            {"scikit-learn": Peer(1.0, lambda: by_scikit_learn)},
            rounds=15,
        ),
        *compare(
            "MMD, cubic, 1000 × 64",
            lambda: evaluation.mmd(a, b, cubic),
            {"torchmetrics": Peer(1.0, torchmetrics)},
            rounds=15,
        ),
    ]


def permutation() -> Comparison:
    """100 shuffles of 300 and 300 points: our one kernel matrix against an estimate a shuffle."""
    a, b = (x[:300] for x in sample(1000, 64))
    pooled = torch.cat([a, b])
    gauss = evaluation.rbf(8.0)

    def anew() -> None:
        for _ in range(100):
            order = torch.randperm(600)
            evaluation.mmd(pooled[order[:300]], pooled[order[300:]], gauss)

    return compare(
        "permutation test, 100 × (300 + 300)",
        lambda: evaluation.mmd_test(a, b, gauss, permutations=100),
        {"estimates anew": Peer(0.2, lambda: anew)},
        rounds=5,
    )[0]


def run() -> list[Comparison]:
    return [*(c for name in SIZES for c in frechet(name)), *mmd(), permutation()]
