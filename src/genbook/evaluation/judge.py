"""What the book's own digits classifier says of images: features, classes, accuracy; and variety.

The features are those of the book's classifier, so a distance of features is a *Fréchet distance on
classifier features*; the name FID belongs to Inception's.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from genbook import weights
from genbook.evaluation.inputs import checked
from genbook.nn import Classifier

__all__ = ["accuracy", "features", "predict", "variety"]


@cache
def _judge() -> Classifier:
    model = weights.load("digits-classifier")
    assert isinstance(model, Classifier)
    return model


@torch.no_grad()
def features(x: Tensor) -> Tensor:
    """Features ``(N, 32)`` of digit images ``(N, 1, 8, 8)`` in [-1, 1], by the digits classifier.

    Raises:
        ValueError: images of another shape, NaN or infinity.
    """
    return _judge().features(_finite(x))


@torch.no_grad()
def predict(x: Tensor) -> Tensor:
    """The classes ``(N,)`` that the digits classifier sees in images ``(N, 1, 8, 8)``.

    Raises:
        ValueError: images of another shape, NaN or infinity.
    """
    return _judge()(_finite(x)).argmax(1)


def _finite(x: Tensor) -> Tensor:
    """The images as float32; the classifier would call a NaN a zero."""
    if not x.isfinite().all():
        raise ValueError("the images contain NaN or infinity")
    return x.float()


def accuracy(x: Tensor, labels: Tensor) -> float:
    """Share of images ``(N, 1, 8, 8)`` in which the digits classifier sees the label ``(N,)``.

    Raises:
        ValueError: if there are not as many labels as images.
    """
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels must have shape ({len(x)},), not {tuple(labels.shape)}")
    return (predict(x) == labels).double().mean().item()


def variety(x: Tensor, labels: Tensor, real: Tensor, real_labels: Tensor) -> float:
    """Variance of images within their classes, as a share of that of real images.

    Summed over pixels and classes, each class with the same weight. 1 is as varied as the real
    images, 0 is one image a class. Classes that occur less than twice in either set are left out.

    Args:
        x, real: images ``(N, …)`` and ``(M, …)``.
        labels, real_labels: their classes, int64 ``(N,)`` and ``(M,)``.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity, or no class that occurs twice in both.
    """
    a, b = checked(x.flatten(1), real.flatten(1), "images")
    if labels.shape != x.shape[:1] or real_labels.shape != real.shape[:1]:
        raise ValueError("variety needs one label for each image of either set")
    spread, genuine = 0.0, 0.0
    for label in labels.unique():
        mine, theirs = a[labels == label], b[real_labels == label]
        if min(len(mine), len(theirs)) >= 2:
            spread += mine.var(0).sum().item()
            genuine += theirs.var(0).sum().item()
    if not genuine:
        raise ValueError("no class occurs twice in both sets, or the real images are equal")
    return spread / genuine
