"""Patches of photographs that come with scikit-learn and scikit-image: nothing is downloaded.

    >>> import torch
    >>> from genbook.data import photos
    >>> photos.patches(4, torch.Generator().manual_seed(0), size=32).shape
    torch.Size([4, 3, 32, 32])

"china" (a temple; D. Buechele) and "flower" (vultilion) are scikit-learn's, CC BY 2.0. "astronaut"
(NASA) and "rocket" (SpaceX) are in the public domain, "chelsea" (a cat; S. van der Walt) and
"coffee" (R. Michetti) CC0; these four come with scikit-image, which is an optional dependency.

The right quarter of every picture is held out. Patches never cross that line, so no pixel is in
both parts; but both show the same scenes, so the held-out part measures new patches, not new
places.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from sklearn.datasets import load_sample_image
from torch import Tensor

__all__ = ["ALL", "ALWAYS", "Split", "patches", "picture", "region", "stream"]

Split = Literal["train", "held-out"]

# Those that need no more than the package itself, and those in the files of scikit-image.
ALWAYS = ("china", "flower")
_FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
}
ALL = (*ALWAYS, *_FILES)


@cache
def _pixels(name: str) -> Tensor:
    if name not in ALL:
        raise ValueError(f"picture must be one of {', '.join(ALL)}, got {name!r}")
    if name in ALWAYS:
        values = load_sample_image(f"{name}.jpg")
    else:
        from matplotlib.image import imread

        raw = imread(_file(name))  # PNG in [0, 1], JPEG in 0..255
        values = raw if raw.dtype == np.uint8 else np.rint(raw * 255).astype(np.uint8)
    return torch.from_numpy(np.array(values[..., :3])).permute(2, 0, 1)


def _file(name: str) -> Path:
    """The file in scikit-image's folder; its own loader might try to download."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise ImportError(
            f"the photograph {name!r} comes with scikit-image, which is not installed: "
            f"install scikit-image, or use {', '.join(ALWAYS)}"
        )
    path = Path(package.origin).parent / "data" / _FILES[name]
    if not path.is_file():
        raise ImportError(f"this scikit-image has no {_FILES[name]}: install version 0.26")
    return path


def picture(name: str) -> Tensor:
    """A whole photograph ``(3, H, W)``, float32 in [-1, 1].

    Raises:
        ValueError: an unknown name; ``ALL`` lists them.
        ImportError: a picture of scikit-image where that is not installed.
    """
    return _pixels(name).float() / 127.5 - 1


def region(name: str, split: Split, scale: int = 1) -> Tensor:
    """The part ``(3, H, W)`` of a photograph that belongs to a split, float32 in [-1, 1].

    Args:
        name: one of ``ALL``.
        split: "train", the left three quarters, or "held-out", the right quarter.
        scale: squares of scale × scale pixels are averaged to one.

    Raises:
        ValueError: an unknown name or split, or scale below 1.
        ImportError: a picture of scikit-image where that is not installed.
    """
    return _region(name, split, scale).clone()


@cache
def _region(name: str, split: str, scale: int) -> Tensor:
    if split not in get_args(Split):
        raise ValueError(f"split must be one of {get_args(Split)}, got {split!r}")
    if scale < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    whole = picture(name)
    border = 3 * whole.shape[2] // 4
    part = whole[..., :border] if split == "train" else whole[..., border:]
    return torch.nn.functional.avg_pool2d(part[None], scale)[0]


def patches(
    n: int,
    generator: torch.Generator,
    size: int = 32,
    split: Split = "train",
    pictures: Sequence[str] = ALWAYS,
    scale: int = 1,
) -> Tensor:
    """n random patches ``(n, 3, size, size)``, float32 in [-1, 1]: each position is as likely.

    The patches of ``patches(2, g)`` and then ``patches(3, g)`` are those of ``patches(5, g)``.

    Args:
        n: how many.
        generator: of the positions.
        size: height and width.
        split: "train" or "held-out", see :func:`region`.
        pictures: names from ``ALL``; by default those that need no scikit-image.
        scale: squares of scale × scale pixels are averaged first, so that a patch shows more.

    Raises:
        ValueError: an unknown name or split, no pictures, n negative, or a size that does not fit
            into the smallest region.
        ImportError: a picture of scikit-image where that is not installed.
    """
    if n < 0 or size < 1:
        raise ValueError(f"n must be at least 0 and size at least 1, got {n} and {size}")
    if isinstance(pictures, str) or not pictures:
        raise ValueError(f"pictures must be a sequence of names, at least one, got {pictures!r}")
    regions = [_region(name, split, scale) for name in pictures]
    free = [(r.shape[1] - size + 1, r.shape[2] - size + 1) for r in regions]
    for name, (rows, columns), r in zip(pictures, free, regions, strict=True):
        if min(rows, columns) < 1:
            raise ValueError(
                f"patches of {size} do not fit into the {split} part of {name!r} at scale "
                f"{scale}: {r.shape[1]} × {r.shape[2]}"
            )
    ends = torch.tensor([rows * columns for rows, columns in free]).cumsum(0)
    at = torch.randint(int(ends[-1]), (n,), generator=generator)
    which = torch.searchsorted(ends, at, right=True)
    at = at - torch.cat([torch.zeros(1, dtype=torch.long), ends])[which]
    result = torch.empty(n, 3, size, size)
    for i, (k, position) in enumerate(zip(which.tolist(), at.tolist(), strict=True)):
        row, column = divmod(position, free[k][1])
        result[i] = regions[k][:, row : row + size, column : column + size]
    return result


def stream(
    batch: int,
    generator: torch.Generator,
    size: int = 32,
    split: Split = "train",
    pictures: Sequence[str] = ALWAYS,
    scale: int = 1,
) -> Iterator[Tensor]:
    """Batches of :func:`patches` without end; the same patches whatever the size of a batch.

    Raises:
        ValueError: batch below 1; the others, as :func:`patches`, when the first batch is taken.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    # Not a generator function: those check nothing before the first batch.
    return (patches(batch, generator, size, split, pictures, scale) for _ in count())
