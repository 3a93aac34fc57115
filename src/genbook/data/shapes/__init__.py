"""Captioned pictures of shapes: 32×32 pixels, one to three shapes, drawn as fast as they are used.

    >>> import torch
    >>> from genbook.data import shapes
    >>> images, captions, scenes = shapes.draw(4, torch.Generator().manual_seed(0))
    >>> images.shape
    torch.Size([4, 3, 32, 32])

Every part of a caption is true of its picture and clearly so: between small and large, left and
middle, left of and above lies a margin in which nothing is drawn. Masks, edges and key points are
computed from the same scene, and a reader that sees only the pixels says which parts of a caption
hold (:func:`read`). One module for each part: ``vocabulary``, ``captions``, ``outlines``,
``scenes``, ``drawing``, ``streams``, ``seeing``, ``reader``.
"""

from __future__ import annotations

from genbook.data.shapes.captions import Caption, Thing, count, every, nth, parse
from genbook.data.shapes.drawing import KeyPoints, edges, key_points, masks, render
from genbook.data.shapes.reader import Verdict, read, tally
from genbook.data.shapes.scenes import Scenes, place_of, relation_of
from genbook.data.shapes.seeing import Found, see
from genbook.data.shapes.streams import Drawings, draw, illustrate, stream
from genbook.data.shapes.vocabulary import (
    BACKGROUND,
    COLOURS,
    KINDS,
    PLACES,
    RELATIONS,
    SHAPE,
    SIZES,
    Split,
    pairs,
    palette,
)

__all__ = [
    "BACKGROUND",
    "COLOURS",
    "KINDS",
    "PLACES",
    "RELATIONS",
    "SHAPE",
    "SIZES",
    "Caption",
    "Drawings",
    "Found",
    "KeyPoints",
    "Scenes",
    "Split",
    "Thing",
    "Verdict",
    "count",
    "draw",
    "edges",
    "every",
    "illustrate",
    "key_points",
    "masks",
    "nth",
    "pairs",
    "palette",
    "parse",
    "place_of",
    "read",
    "relation_of",
    "render",
    "see",
    "stream",
    "tally",
]
