"""Scenes: what is where in a picture, drawn at random such that its caption is true.

A picture has a number of 64 bits, its seed, and is a function of it. So the stream of pictures does
not depend on how it is cut into batches, and a picture can be drawn again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genbook.data.shapes.captions import Caption, Thing
from genbook.data.shapes.outlines import REACH, ROUND
from genbook.data.shapes.vocabulary import (
    BORDER,
    CENTRAL,
    CLEAR,
    COLOURS,
    GAP,
    KINDS,
    LATERAL,
    MOST,
    PLACES,
    RADII,
    RELATIONS,
    SIDE,
    SIZES,
    TILT,
    Split,
    _numbers,
)
from genbook.geometry import Array

__all__ = ["Scenes", "place_of", "relation_of"]

Ints = NDArray[np.int64]

# How often the places of a picture are drawn in the first round, and at most in all.
_TRIES, _MOST_TRIES = 12, 20_000
_WORDS = 16  # random numbers that go to the caption
_PLACES = 4 * MOST  # and to each try


class Scenes(NamedTuple):
    """N scenes as tensors; -1 where a scene has no such shape or its caption does not say.

    Attributes:
        kind: ``(N, 3)``, int64, numbers in ``KINDS``.
        colour: ``(N, 3)``, int64, numbers in ``COLOURS``.
        size: ``(N, 3)``, int64, numbers in ``SIZES``.
        middle: ``(N, 3, 2)``, float64, centroids (x, y) in pixels from the upper left corner, y
            down.
        radius: ``(N, 3)``, float64, in pixels; the unit of the kind's outline.
        tilt: ``(N, 3)``, float64, in radians, clockwise on the screen.
        said: ``(N, 3)``, bool: the caption says this shape's size.
        place: ``(N,)``, int64, number in ``PLACES`` of the caption's place.
        relation: ``(N, 2)``, int64, numbers in ``RELATIONS``: of the first shape to the second and
            to the third.
    """

    kind: Tensor
    colour: Tensor
    size: Tensor
    middle: Tensor
    radius: Tensor
    tilt: Tensor
    said: Tensor
    place: Tensor
    relation: Tensor

    def select(self, index: Any) -> Scenes:
        """The scenes of an index, a slice or a mask along N."""
        return Scenes(*(field[index] for field in self))

    def captions(self) -> list[str]:
        """The captions ``N`` as text."""
        rows = zip(*(f.tolist() for f in (self.kind, self.colour, self.size)), strict=True)
        rest = zip(*(f.tolist() for f in (self.said, self.place, self.relation)), strict=True)
        texts = []
        for (kinds, colours, sizes), (said, place, relations) in zip(rows, rest, strict=True):
            words = [
                _NAMES[colour][kind][size if says else -1]
                for kind, colour, size, says in zip(kinds, colours, sizes, said, strict=True)
                if kind >= 0
            ]
            if relations[0] >= 0:
                text = words[0]
                for i, word in enumerate(words[1:]):
                    text += f"{' and' if i else ''} {RELATIONS[relations[i]]} {word}"
            elif place >= 0:
                text = f"{words[0]} {PLACES[place]}"
            else:
                text = " and ".join([", ".join(words[:-1]), words[-1]][len(words) == 1 :])
            texts.append(text)
        return texts


_NAMES = [
    [[str(Thing(colour, kind, size)) for size in (*SIZES, None)] for kind in KINDS]
    for colour in COLOURS
]


def relation_of(offset: Array, clear: float = 0.0) -> Ints:
    """The relation of a first shape to a second, from the offset ``(…, 2)`` of its middle.

    "left of" if it lies further to the left than up or down, by ``clear`` pixels; so exactly one of
    four holds, or none is clear: -1. Numbers in ``RELATIONS``, ``(…)``.
    """
    dx, dy = offset[..., 0], offset[..., 1]
    beside, upright = np.abs(dx) - np.abs(dy) >= clear, np.abs(dy) - np.abs(dx) >= clear
    side = np.where(dx < 0, 0, 1)
    return np.where(beside, side, np.where(upright, np.where(dy < 0, 2, 3), -1))


def place_of(middle: Array, exact: bool = True) -> Ints:
    """The place of a shape's middle ``(…, 2)``: its number in ``PLACES``, ``(…)``.

    A third of the picture is wide: the middle one is where |x - 16| is up to ``CENTRAL``, the side
    ones from ``LATERAL`` on. In between the place is not clear: -1; with ``exact`` False, the
    nearer.
    """
    offset = middle - SIDE / 2
    limit = (CENTRAL + LATERAL) / 2
    third = np.where(np.abs(offset) <= limit, 1, np.where(offset < 0, 0, 2))
    place = 3 * third[..., 1] + third[..., 0]
    if not exact:
        return place
    size = np.abs(offset)
    return np.where(((size <= CENTRAL) | (size >= LATERAL)).all(-1), place, -1)


def uniforms(seeds: NDArray[np.uint64], first: int, many: int) -> Array:
    """Uniform numbers ``(N, many)`` in [0, 1): the first-th and following of each seed ``(N,)``.

    Counted, not stepped, so that any can be had by itself: SplitMix64 (Steele, Lea and Flood 2014).
    """
    step, one, two = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
    z = seeds[:, None] + np.arange(first + 1, first + many + 1, dtype=np.uint64) * np.uint64(step)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(one)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(two)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def draw_seeds(n: int, generator: torch.Generator) -> NDArray[np.uint64]:
    """n picture seeds ``(n,)``; 2 + 3 of them are the same as 5."""
    low, high = -(2**63), 2**63 - 1
    return torch.randint(low, high, (n,), generator=generator).numpy().view(np.uint64)


def random_scenes(seeds: NDArray[np.uint64], split: Split, shapes: Sequence[int]) -> Scenes:
    """The scenes of seeds ``(N,)``: as many shapes as one of ``shapes``, all of the split."""
    n = len(seeds)
    u = uniforms(seeds, 0, _WORDS)
    many = np.array(shapes)[_below(u[:, 0], len(shapes))]
    pairs = _numbers(split)
    colour, kind = pairs[_distinct(u[:, 1:4], len(pairs))].transpose(2, 0, 1)
    said = u[:, 8:11] < 0.5
    place = np.full(n, -1)
    one = (many == 1) & (u[:, 11] < 0.5)
    place[one] = _below(u[one, 12], len(PLACES))
    first, second = _below(u[:, 12], len(RELATIONS)), _below(u[:, 13], len(RELATIONS) - 1)
    opposite = first ^ 1  # neighbours in RELATIONS, and not allowed
    relation = np.stack([first, second + (second >= opposite)], 1)
    relation[(many == 1) | (u[:, 11] >= np.where(many == 2, 0.75, 0.5))] = -1
    relation[many == 2, 1] = -1
    return _placed(seeds, many, kind, colour, np.full((n, MOST), -1), said, place, relation)


def scenes_of(captions: Sequence[Caption], seeds: NDArray[np.uint64]) -> Scenes:
    """Scenes, one a seed ``(N,)``, of which the captions are true."""
    n = len(captions)
    kind, colour, size = np.zeros((3, n, MOST), np.int64) - 1
    place, relation = np.full(n, -1), np.full((n, MOST - 1), -1)
    colours = {word: i for i, word in enumerate(COLOURS)}
    for i, caption in enumerate(captions):
        for j, thing in enumerate(caption.things):
            kind[i, j], colour[i, j] = KINDS.index(thing.kind), colours[thing.colour]
            size[i, j] = SIZES.index(thing.size) if thing.size else -1
        place[i] = PLACES.index(caption.place) if caption.place else -1
        for j, word in enumerate(caption.relations):
            relation[i, j] = RELATIONS.index(word)
    many = np.array([len(caption.things) for caption in captions], np.int64)
    return _placed(seeds, many, kind, colour, size, size >= 0, place, relation)


def _below(u: Array, n: int) -> Ints:
    return (u * n).astype(np.int64)


def _distinct(u: Array, n: int) -> Ints:
    """Three different numbers ``(N, 3)`` below n, from uniform ones."""
    a, b, c = (_below(u[:, i], n - i) for i in range(3))
    b = b + (b >= a)
    low, high = np.minimum(a, b), np.maximum(a, b)
    c = c + (c >= low)
    c = c + (c >= high)
    return np.stack([a, b, c], 1)


def _sizes(seeds: NDArray[np.uint64], many: Ints, size: Ints) -> Ints:
    """Sizes where the caption leaves them open; of three shapes at most one is large."""
    u = uniforms(seeds, 4, 4)
    drawn = (u[:, :3] < 0.5).astype(np.int64)
    slot = _below(u[:, 3], 4)
    large = (size == 1).any(1, keepdims=True)
    single = (slot[:, None] == np.arange(MOST)) & ~large
    drawn = np.where((many == 3)[:, None], single, drawn)
    return np.where(size >= 0, size, drawn)


def _placed(
    seeds: NDArray[np.uint64],
    many: Ints,
    kind: Ints,
    colour: Ints,
    size: Ints,
    said: NDArray[np.bool_],
    place: Ints,
    relation: Ints,
) -> Scenes:
    """Complete the scenes: sizes where they are open, then places, drawn until they are right."""
    n = len(seeds)
    size = _sizes(seeds, many, size)
    there = np.arange(MOST) < many[:, None]
    middle, radius, tilt = np.zeros((n, MOST, 2)), np.zeros((n, MOST)), np.zeros((n, MOST))
    left = np.arange(n)
    before, now = 0, _TRIES
    while len(left) and before < _MOST_TRIES:
        u = uniforms(seeds[left], _WORDS + before * _PLACES, now * _PLACES)
        u = u.reshape(len(left), now, MOST, 4)
        # Few are left, and they are the hard ones: the first good try is the same in any rounds.
        before, now = before + now, min(2 * now, 64 * _TRIES)
        at, r, slant, good = _try(u, there[left], kind[left], size[left], place[left])
        good &= _related(at, relation[left])
        done, first = good.any(1), good.argmax(1)
        rows, chosen = left[done], (np.flatnonzero(done), first[done])
        middle[rows], radius[rows], tilt[rows] = at[chosen], r[chosen], slant[chosen]
        left = left[~done]
    if len(left):  # not seen in 10^7 pictures; every caption of the grammar has room
        raise RuntimeError(f"no place for the shapes of {len(left)} pictures")
    middle[~there], radius[~there], tilt[~there] = 0, 0, 0
    kind, colour, size = (np.where(there, v, -1) for v in (kind, colour, size))
    fields = (kind, colour, size, middle, radius, tilt, said & there, place, relation)
    return Scenes(*map(torch.from_numpy, fields))


def _try(
    u: Array, there: NDArray[np.bool_], kind: Ints, size: Ints, place: Ints
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Middles, radii, tilts from uniform numbers ``(n, tries, 3, 4)``, and which do not touch."""
    low, high = np.array(RADII)[size].transpose(2, 0, 1)
    radius = low[:, None] + u[..., 0] * (high - low)[:, None]
    tilt = np.where(ROUND[kind][:, None], 0, (2 * u[..., 1] - 1) * TILT)
    reach = REACH[kind][:, None] * radius
    begin = np.broadcast_to((reach + BORDER)[..., None], (*reach.shape, 2))
    end = SIDE - begin
    if (place >= 0).any():
        third = np.stack([place % 3, place // 3], -1)[:, None, None]
        third = np.where(place[:, None, None, None] >= 0, third, -1)
        half = SIDE / 2
        begin = np.where(third == 1, half - CENTRAL, np.where(third == 2, half + LATERAL, begin))
        end = np.where(third == 1, half + CENTRAL, np.where(third == 0, half - LATERAL, end))
    middle = begin + u[..., 2:] * (end - begin)
    apart = np.ones(u.shape[:2], bool)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        d = middle[:, :, i] - middle[:, :, j]
        far = (d * d).sum(-1) >= (reach[..., i] + reach[..., j] + GAP) ** 2
        apart &= far | ~there[:, None, j]
    return middle, radius, tilt, apart


def _related(middle: Array, relation: Ints) -> NDArray[np.bool_]:
    """Whether the first shape is related to the others as it should be, clearly."""
    good = np.ones(middle.shape[:2], bool)
    for j in range(MOST - 1):
        found = relation_of(middle[:, :, 0] - middle[:, :, j + 1], CLEAR)
        wanted = relation[:, None, j]
        good &= (wanted < 0) | (found == wanted)
    return good
