"""The reader: which parts of a caption are true of a picture, judged from its pixels alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from genbook.data.shapes.captions import Caption, parse
from genbook.data.shapes.scenes import place_of, relation_of
from genbook.data.shapes.seeing import Found, see
from genbook.data.shapes.vocabulary import PLACES, RELATIONS

__all__ = ["Verdict", "read", "tally"]

# No more of what is seen is matched with a caption: the largest.
_CANDIDATES = 6


@dataclass(frozen=True)
class Verdict:
    """What the reader says of one picture and one caption.

    Attributes:
        caption: what was claimed.
        found: what is seen, the largest first.
        attributes: whether each part of the caption holds: "count" (as many shapes, no more), for
            thing i = 1, 2, 3 "colour i", "kind i" and, if said, "size i"; "place"; "relation i" of
            the first thing to thing i.
    """

    caption: Caption
    found: tuple[Found, ...]
    attributes: dict[str, bool]

    @property
    def holds(self) -> bool:
        """Whether all of the caption is true."""
        return all(self.attributes.values())


def read(images: Tensor, captions: Sequence[str | Caption]) -> list[Verdict]:
    """Which attributes of its caption hold in each picture.

    The things of the caption are matched with the shapes that are seen such that as many colours
    and kinds as possible agree; of equal matches, that with more sizes, place and relations. What
    has no partner has nothing that holds. A relation holds if the offset of the middles points
    more that way than any other, a place if it is the nearest of nine.

    Measured on 5000 drawings of held-out combinations, as drawn, with noise of 0.05, blurred by 0.8
    pixels and as JPEG of quality 90: no error in 5000 counts, 10089 colours and kinds, 4958 sizes,
    3010 relations, 796 places each (95 % bounds 0.9992, 0.9996, 0.9992, 0.9987, 0.9952). At JPEG 75
    27 of 4076 kinds are missed: thin rings break. In 1000 pictures of pure noise no colour, kind or
    relation holds, but every third count: noise is one blob, and a caption may ask for one shape.

    Args:
        images: ``(N, 3, 32, 32)`` in [-1, 1]; see :func:`see`.
        captions: N texts of the grammar, or parsed ones.

    Raises:
        TypeError: images that are no floating-point tensor, captions that are no texts.
        ValueError: another shape, NaN or infinity, a text that the grammar does not have, or not as
            many captions as images.
    """
    if isinstance(captions, str):
        raise TypeError("captions must be a sequence of texts, not one text")
    parsed = [c if isinstance(c, Caption) else parse(c) for c in captions]
    seen = see(images)
    if len(parsed) != len(seen):
        raise ValueError(f"{len(parsed)} captions for {len(seen)} images")
    return [_judge(caption, found) for caption, found in zip(parsed, seen, strict=True)]


def tally(verdicts: Sequence[Verdict]) -> dict[str, Tensor]:
    """Of each sort of attribute, 1 where it holds and 0 where not, float64.

    The sorts are "count", "colour", "kind", "size", "place", "relation", and "all" for whole
    captions. Ready for an interval: ``evaluation.bootstrap(torch.mean, tally(verdicts)["kind"])``.
    """
    held: dict[str, list[bool]] = {}
    for verdict in verdicts:
        for name, true in verdict.attributes.items():
            held.setdefault(name.split()[0], []).append(true)
        held.setdefault("all", []).append(verdict.holds)
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in held.items()}


def _judge(caption: Caption, found: tuple[Found, ...]) -> Verdict:
    # A blob without kind and colour is counted, but it is no partner for a thing.
    known: list[Found | None] = [f for f in found if f.kind or f.colour]
    candidates = known[:_CANDIDATES]
    candidates += [None] * (len(caption.things) - len(candidates))
    best: dict[str, bool] = {}
    most = (-1, -1)
    for chosen in itertools.permutations(candidates, len(caption.things)):
        attributes = _attributes(caption, chosen)
        named = sum(v for k, v in attributes.items() if k.startswith(("colour", "kind")))
        score = (named, sum(attributes.values()))
        if score > most:
            best, most = attributes, score
    return Verdict(caption, found, {"count": len(found) == len(caption.things), **best})


def _attributes(caption: Caption, chosen: Sequence[Found | None]) -> dict[str, bool]:
    """What holds if the caption's things are the chosen shapes, in this order."""
    holds: dict[str, bool] = {}
    for i, (thing, shape) in enumerate(zip(caption.things, chosen, strict=True), 1):
        holds[f"colour {i}"] = shape is not None and shape.colour == thing.colour
        holds[f"kind {i}"] = shape is not None and shape.kind == thing.kind
        if thing.size:
            holds[f"size {i}"] = shape is not None and shape.size == thing.size
    first, *others = chosen
    if caption.place:
        holds["place"] = first is not None and caption.place == _place(first)
    for i, (relation, other) in enumerate(zip(caption.relations, others, strict=False), 2):
        seen = first is not None and other is not None and _relation(first, other)
        holds[f"relation {i}"] = relation == seen
    return holds


def _place(shape: Found) -> str:
    return PLACES[int(place_of(np.array(shape.middle), exact=False))]


def _relation(shape: Found, other: Found) -> str:
    return RELATIONS[int(relation_of(np.subtract(shape.middle, other.middle)))]
