"""What the book's own digits classifier says of images: features, classes, accuracy; and variety.

The features are those of the book's classifier, so a distance of features is a *Fréchet distance on
classifier features*; the name FID belongs to Inception's.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from genbook import weights
from genbook.arguments import tensors
from genbook.evaluation.inputs import checked, in_double
from genbook.nn import Classifier

__all__ = ["accuracy", "features", "predict", "variety"]


@cache
def _judge(device: torch.device) -> Classifier:
    model = weights.load("digits-classifier").to(device)
    assert isinstance(model, Classifier)
    return model


@torch.no_grad()
def features(x: Tensor) -> Tensor:
    """Features ``(N, 32)`` of digit images ``(N, 1, 8, 8)`` in [-1, 1], by the digits classifier.

    Raises:
        TypeError: no tensor, or integers.
        ValueError: images of another shape or range, NaN or infinity.
    """
    return _judge(_images(x).device).features(x.float())


@torch.no_grad()
def predict(x: Tensor) -> Tensor:
    """The classes ``(N,)`` that the digits classifier sees in images ``(N, 1, 8, 8)``.

    Raises:
        TypeError: no tensor, or integers.
        ValueError: images of another shape or range, NaN or infinity.
    """
    return _judge(_images(x).device)(x.float()).argmax(1)


def _images(x: Tensor) -> Tensor:
    """Refuse what the classifier would judge without a word: it calls a NaN a zero.

    A digit in [-1, 1] has a background near -1, so images without any negative pixel come from
    another range.
    """
    tensors(images=x)
    if not x.is_floating_point():
        raise TypeError(f"the images must be floating-point, in [-1, 1], got {x.dtype}")
    if not x.isfinite().all():
        raise ValueError("the images contain NaN or infinity")
    if x.numel() and x.min() >= 0:
        raise ValueError(
            f"the images must be in [-1, 1], these lie in [{x.min():g}, {x.max():g}]: "
            "2 x − 1 takes [0, 1] there, x / 127.5 − 1 takes [0, 255]"
        )
    return x


def accuracy(x: Tensor, labels: Tensor) -> float:
    """Share of images ``(N, 1, 8, 8)`` in which the digits classifier sees the label ``(N,)``.

    Raises:
        TypeError, ValueError: as :func:`predict`; no image, or not as many labels as images.
    """
    tensors(images=x, labels=labels)
    if len(x) == 0:
        raise ValueError("the accuracy of no image is not defined")
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels must have shape ({len(x)},), not {tuple(labels.shape)}")
    return in_double(predict(x) == labels.to(x.device)).mean().item()


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
    tensors(x=x, real=real, labels=labels, real_labels=real_labels)
    a, b = checked(x.flatten(1), real.flatten(1), "images")
    if labels.shape != x.shape[:1] or real_labels.shape != real.shape[:1]:
        raise ValueError("variety needs one label for each image of either set")
    labels, real_labels = labels.to(a.device), real_labels.to(b.device)
    spread, genuine = 0.0, 0.0
    for label in labels.unique():
        mine, theirs = a[labels == label], b[real_labels == label]
        if min(len(mine), len(theirs)) >= 2:
            spread += mine.var(0).sum().item()
            genuine += theirs.var(0).sum().item()
    if not genuine:
        raise ValueError("no class occurs twice in both sets, or the real images are equal")
    return spread / genuine
