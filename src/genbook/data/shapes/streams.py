"""Pictures without end: drawn when they are asked for, never stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbook.data.shapes.captions import Caption, parse
from genbook.data.shapes.drawing import render
from genbook.data.shapes.scenes import Scenes, draw_seeds, random_scenes, scenes_of
from genbook.data.shapes.vocabulary import MOST, Split, pairs

__all__ = ["Drawings", "draw", "illustrate", "stream"]


class Drawings(NamedTuple):
    """Pictures ``(N, 3, 32, 32)``, float32 in [-1, 1], their captions, and the scenes behind."""

    images: Tensor
    captions: list[str]
    scenes: Scenes


def draw(
    n: int,
    generator: torch.Generator,
    split: Split = "train",
    shapes: int | Sequence[int] = (1, 2, 3),
) -> Drawings:
    """n random pictures with a true caption each.

    The pictures of ``draw(2, g)`` and then ``draw(3, g)`` are those of ``draw(5, g)``.

    Args:
        n: how many, 0 or more.
        generator: the only source of randomness.
        split: whose combinations of colour and kind: see :func:`pairs`.
        shapes: how many shapes a picture has; of several numbers, each is as likely.

    Raises:
        ValueError: n negative, unknown split, or numbers of shapes outside 1 to 3.
        TypeError: no generator.
    """
    numbers = _numbers_of_shapes(shapes)
    pairs(split)  # an unknown split fails here, before a number is drawn
    scenes = random_scenes(_seeds(n, generator), split, numbers)
    return Drawings(render(scenes), scenes.captions(), scenes)


def illustrate(captions: Sequence[str | Caption], generator: torch.Generator) -> Drawings:
    """A random picture for each caption; what the caption does not say is drawn at random.

    The captions come back as they are. This is the reference for a model that draws captions: the
    reader finds all of these true.

    Raises:
        ValueError: a text that the grammar does not have.
        TypeError: no generator, or a caption that is no text.
    """
    if isinstance(captions, str):
        raise TypeError("captions must be a sequence of texts, not one text")
    parsed = [c if isinstance(c, Caption) else parse(c) for c in captions]
    scenes = scenes_of(parsed, _seeds(len(parsed), generator))
    return Drawings(render(scenes), scenes.captions(), scenes)


def stream(
    batch: int,
    generator: torch.Generator,
    split: Split = "train",
    shapes: int | Sequence[int] = (1, 2, 3),
) -> Iterator[Drawings]:
    """Batches of :func:`draw` without end; the same pictures whatever the size of a batch.

    Raises:
        ValueError, TypeError: as :func:`draw`, when the first batch is taken; batch below 1 at
            once.
    """
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    # Not a generator function: those check nothing before the first batch.
    return (draw(batch, generator, split, shapes) for _ in count())


def _seeds(n: int, generator: torch.Generator) -> NDArray[np.uint64]:
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    return draw_seeds(n, generator)


def _numbers_of_shapes(shapes: int | Sequence[int]) -> tuple[int, ...]:
    numbers = (shapes,) if isinstance(shapes, int) else tuple(shapes)
    if not numbers or any(number not in range(1, MOST + 1) for number in numbers):
        raise ValueError(f"shapes must be one or several of 1 to {MOST}, got {shapes!r}")
    return numbers
