"""The caption grammar: captions as text and as data, every one of them, and back from text.

    caption  := thing | thing place                                     of one shape
              | thing "and" thing | thing relation thing                of two
              | thing "," thing "and" thing                             of three
              | thing relation thing "and" relation thing
    thing    := "a" [size] colour kind

In "a red star left of a blue ring and above a green cross" both relations are the star's. No two
things of a caption have colour and kind in common. There is no room for three large shapes, nor
for any three in a row: of three things at most one is large, and the first is never said to be
between the others ("left of … and right of …").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from genbook.data.shapes.vocabulary import (
    COLOURS,
    KINDS,
    MOST,
    PLACES,
    RELATIONS,
    SIZES,
    Split,
    pairs,
)

__all__ = ["Caption", "Thing", "count", "every", "nth", "parse"]

_BETWEEN = [
    (one, other)
    for pair in (RELATIONS[:2], RELATIONS[2:])
    for one, other in itertools.permutations(pair)
]


@dataclass(frozen=True)
class Thing:
    """One shape as a caption names it; ``size`` is None where the caption does not say.

    Raises:
        ValueError: a word that is not in the vocabulary.
    """

    colour: str
    kind: str
    size: str | None = None

    def __post_init__(self) -> None:
        _known("colour", self.colour, tuple(COLOURS))
        _known("kind", self.kind, KINDS)
        if self.size is not None:
            _known("size", self.size, SIZES)

    def __str__(self) -> str:
        return " ".join(("a", *([self.size] if self.size else []), self.colour, self.kind))


@dataclass(frozen=True)
class Caption:
    """What a caption says: one to three things, the place of a single one, relations of the first.

    ``relations`` is empty or has one entry for each further thing. ``str(caption)`` is the text.

    Raises:
        ValueError: what the grammar does not have.
    """

    things: tuple[Thing, ...]
    place: str | None = None
    relations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.things) <= MOST:
            raise ValueError(f"a caption has 1 to {MOST} things, not {len(self.things)}")
        if len({(thing.colour, thing.kind) for thing in self.things}) < len(self.things):
            raise ValueError("two things of a caption have the same colour and kind")
        if len(self.things) == 3 and sum(thing.size == "large" for thing in self.things) > 1:
            raise ValueError("of three things at most one can be large")
        if self.place is not None:
            _known("place", self.place, PLACES)
            if len(self.things) > 1:
                raise ValueError("only the caption of a single thing has a place")
        for relation in self.relations:
            _known("relation", relation, RELATIONS)
        if self.relations and len(self.relations) != len(self.things) - 1:
            raise ValueError("a caption has no relations, or one for each thing but the first")
        if self.relations in _BETWEEN:
            raise ValueError("the first thing of a caption is never between the others")

    def __str__(self) -> str:
        first, *others = map(str, self.things)
        if self.relations:
            return first + " and".join(
                f" {relation} {other}"
                for relation, other in zip(self.relations, others, strict=True)
            )
        if self.place:
            return f"{first} {self.place}"
        return ", ".join([first, *others[:-1]]) + "".join(f" and {t}" for t in others[-1:])


def _known(what: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise ValueError(f"{what} must be one of {', '.join(words)}, not {word!r}")


@cache
def _pattern() -> re.Pattern[str]:
    def one_of(words: tuple[str, ...]) -> str:
        # The longest first: "at the top left" begins with "at the top".
        return "|".join(sorted(words, key=len, reverse=True))

    def thing(i: int) -> str:
        size, colour, kind = one_of(SIZES), one_of(tuple(COLOURS)), one_of(KINDS)
        return f"a (?:(?P<size{i}>{size}) )?(?P<colour{i}>{colour}) (?P<kind{i}>{kind})"

    relation = one_of(RELATIONS)
    link = f"(?P<relation1>{relation}) |(?P<and2>and )"
    related = f" and (?P<relation2>{relation}) {thing(2)}"
    return re.compile(
        f"{thing(0)}(?: (?P<place>{one_of(PLACES)})"
        f"|(?P<listed>, {thing(3)} and {thing(4)})"
        f"| (?:{link}){thing(1)}(?:{related})?)?"
    )


@cache
def _parse(text: str) -> Caption:
    found = _pattern().fullmatch(" ".join(text.split()))
    if found is None or (found["and2"] and found["relation2"]):
        raise ValueError(
            f"{text!r} is no caption of this grammar; "
            'one is "a small red star left of a large blue ring"'
        )
    slots = (0, 3, 4) if found["listed"] else (0, 1, 2)
    things = tuple(
        Thing(found[f"colour{i}"], found[f"kind{i}"], found[f"size{i}"])
        for i in slots
        if found[f"kind{i}"]
    )
    relations = tuple(r for r in (found["relation1"], found["relation2"]) if r)
    return Caption(things, found["place"], relations)


def parse(text: str) -> Caption:
    """What a caption says; ``str(parse(text))`` is the text again, spaces tidied.

    Raises:
        ValueError: a text that the grammar does not have.
        TypeError: not a text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a caption is a str, got {type(text).__name__}")
    return _parse(text)


@cache
def _sizes(shapes: int) -> list[tuple[str | None, ...]]:
    every_size = itertools.product((None, *SIZES), repeat=shapes)
    return [words for words in every_size if shapes < 3 or words.count("large") <= 1]


@cache
def _endings(shapes: int) -> list[tuple[str | None, tuple[str, ...]]]:
    """Place and relations."""
    if shapes == 1:
        return [(place, ()) for place in (None, *PLACES)]
    related = itertools.product(RELATIONS, repeat=shapes - 1)
    return [(None, ()), *((None, words) for words in related if words not in _BETWEEN)]


def _check(shapes: int) -> None:
    if shapes not in range(1, MOST + 1):
        raise ValueError(f"shapes must be 1 to {MOST}, got {shapes!r}")


def count(shapes: int, split: Split = "all") -> int:
    """How many captions of one, two or three shapes there are.

        P (P − 1) … · sizes · endings,    P combinations of colour and kind in the split

    with 3, 9, 20 ways to say sizes or not, and 10, 5, 13 endings. Two captions that differ only in
    the order of the things count twice.

    Raises:
        ValueError: another number of shapes, or an unknown split.
    """
    _check(shapes)
    total = len(_sizes(shapes)) * len(_endings(shapes))
    for i in range(shapes):
        total *= len(pairs(split)) - i
    return total


def nth(index: int, shapes: int, split: Split = "all") -> Caption:
    """The caption number ``index``, from 0 to ``count(shapes, split) − 1``.

    Raises:
        IndexError: no such number.
        ValueError: another number of shapes, or an unknown split.
    """
    total = count(shapes, split)
    if not 0 <= index < total:
        raise IndexError(f"there are {total} captions of {shapes} shapes, no number {index}")
    index, ending = divmod(index, len(_endings(shapes)))
    index, said = divmod(index, len(_sizes(shapes)))
    left, chosen = pairs(split), []
    for i in range(shapes):
        # The first choice varies slowest.
        below = 1
        for j in range(i + 1, shapes):
            below *= len(pairs(split)) - j
        place, index = divmod(index, below)
        chosen.append(left.pop(place))
    things = (Thing(*pair, size) for pair, size in zip(chosen, _sizes(shapes)[said], strict=True))
    where, relations = _endings(shapes)[ending]
    return Caption(tuple(things), where, relations)


def every(shapes: int, split: Split = "all") -> Iterator[Caption]:
    """All captions of one, two or three shapes, one after the other, in the order of :func:`nth`.

    Raises:
        ValueError: another number of shapes, or an unknown split.
    """
    return (nth(index, shapes, split) for index in range(count(shapes, split)))
