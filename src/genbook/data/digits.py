"""The handwritten digits that ship with scikit-learn: 1797 images of 8x8 pixels, ten classes.

They are the test half of the *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak 1998,
UCI repository, CC BY 4.0): 13 writers, each pixel the count 0..16 of inked points in a 4x4 square
of the scan.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

__all__ = ["CLASSES", "SHAPE", "Digits", "load"]

SHAPE = (1, 8, 8)
CLASSES = 10
TEST_IMAGES = 360


class Digits(NamedTuple):
    """Images ``(N, 1, 8, 8)``, float32 in [-1, 1], where -1 is paper, and labels ``(N,)``, int64 in
    0..9.
    """

    images: Tensor
    labels: Tensor


@cache
def _all() -> tuple[Digits, Tensor, Tensor]:
    raw = load_digits()
    images = torch.from_numpy(raw.images).float()[:, None] / 8 - 1
    labels = torch.from_numpy(raw.target).long()
    # Stratified and seeded: each class has the same share of both parts, on every machine.
    train, test = train_test_split(
        torch.arange(len(labels)).numpy(),
        test_size=TEST_IMAGES,
        stratify=raw.target,
        random_state=0,
    )
    return Digits(images, labels), torch.from_numpy(train), torch.from_numpy(test)


def load(split: Literal["train", "test", "all"] = "train") -> Digits:
    """Load the digits: 1437 for training, 360 for testing, the same ones every time.

    Both parts hold images of the same 13 writers, so the test part measures new images, not new
    hands.

    Returns:
        Images ``(N, 1, 8, 8)`` in [-1, 1] and labels ``(N,)``, copies that the caller may change.

    Raises:
        ValueError: for an unknown split.
    """
    everything, train, test = _all()
    if split == "all":
        return Digits(everything.images.clone(), everything.labels.clone())
    if split not in ("train", "test"):
        raise ValueError(f'split must be "train", "test" or "all", not {split!r}')
    chosen = train if split == "train" else test
    return Digits(everything.images[chosen], everything.labels[chosen])
