"""Other ways of being right, and known ways of being wrong: most are a change to the reference.

    ANSWERS = answers(\"\"\"
    by the whole jump: 1 - a_t**2 / a_s**2 → 1 - schedule.alpha_bars[t] / a_s**2
    in whole numbers:
        up, down = (1, steps) if spacing == "linear" else (2, steps**2)
        return [(2 * T * i**up + down) // (2 * down) for i in range(steps, -1, -1)]
    variance for sigma: sigma * noise → sigma**2 * noise
        You multiply the fresh noise with σ², its variance. The factor is σ.
    predicted x_0 only: → (xt - schedule.b(t) * eps) / schedule.a(t)
        You stop at the predicted x_0. Go on to the time s.
    the square has no sign: x - w * m ≡ w * m - x
    \"\"\")

A change replaces a text of the reference's source. Without an old text it is the function that
returns this expression of the reference's arguments, and a body of several lines is one with the
reference's head. Those with a sentence below are wrong, the others are right. So nothing but the
difference is written, no signature again, and it cannot fall behind when the reference is improved.
Each knows the names of the reference's file, and ``itertools``, ``math``, ``np`` and ``torch``.
With ``≡`` it is a mutant that changes nothing, and its name is the reason (see
``tests/mutation.py``).
"""

from __future__ import annotations
import __future__

import ast
import inspect
import itertools
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

__all__ = ["Answer", "Entry", "Equivalent", "Misconception", "answers", "changed"]

_FLAGS = __future__.annotations.compiler_flag  # annotations of the reference may need no import


@dataclass(frozen=True)
class Misconception:
    """A known way of being wrong, and the sentence that helps out of it.

    Args:
        name: a few words for it, which instructors read.
        how: changes of the reference, or where no change says it, an implementation.
        sentence: what the student reads.
        reference: what the changes are made to; a question puts its own here.
    """

    name: str
    how: Callable[..., Any] | tuple[str, ...]
    sentence: str
    reference: Callable[..., Any] | None = field(default=None, repr=False)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The wrong implementation. Changes are made when this is first asked for.

        Raises:
            ValueError: a change that cannot be made, see ``changed``.
        """
        if not isinstance(self.how, tuple):
            return self.how
        if self.reference is None:
            raise ValueError(f"{self.name!r} is a change to a reference, and there is none")
        return changed(self.reference, *self.how)


@dataclass(frozen=True)
class Answer:
    """Another correct answer. It is called like the reference, and made when it is first called.

    Args:
        name: what it does otherwise, in a few words.
        how: changes of the reference, or the text of another body.
        reference: what the changes are made to; a question puts its own here.
    """

    name: str
    how: tuple[str, ...] | str
    reference: Callable[..., Any] | None = field(default=None, repr=False)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """What is called. Raises ValueError for a change that cannot be made."""
        if self.reference is None:
            raise ValueError(f"{self.name!r} is a change to a reference, and there is none")
        if isinstance(self.how, str):
            return changed(self.reference, body=self.how)
        return changed(self.reference, *self.how)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


@dataclass(frozen=True)
class Equivalent:
    """A change ``old → new`` within a line, as ``ast.unparse`` spells it, that changes nothing."""

    reason: str
    change: str


Entry = Answer | Misconception | Equivalent


def answers(text: str) -> tuple[Entry, ...]:
    """Answers to a question, right and wrong, each with a name.

    A line ``name: old → new`` with a sentence indented below it is a misconception, without one it
    is a right answer. Changes are as ``changed`` takes them. Several are separated by semicolons or
    stand on lines of their own, and the first may stand below the name, too. A line
    ``or: old → new`` begins another way of making the same mistake: a misconception of the same
    name and with the same sentence. Lines without any arrow below ``name:`` are the body of a right
    answer. A line ``reason: old ≡ new`` is an equivalent mutant.

    Raises:
        ValueError: an entry that is neither.
    """
    return tuple(_entries(textwrap.dedent(text).strip()))


def _entries(text: str) -> Iterator[Entry]:
    for entry in re.split(r"\n+(?=\S)", text):
        name, _, rest = entry.partition(":")
        beside, _, below = rest.partition("\n")
        lines = [beside.strip(), *textwrap.dedent(below).splitlines()]
        lines = [line.rstrip() for line in lines if line.strip()]
        first = next((i for i, line in enumerate(lines) if "→" not in line), len(lines))
        ways = re.split(r"\nor: ", "\n".join(line.strip() for line in lines[:first]))
        below = "\n".join(lines[first:])
        if lines and "≡" in lines[0]:
            yield Equivalent(name, lines[0].replace("≡", "→"))
        elif first and below:
            sentence = " ".join(below.split())
            yield from (Misconception(name, _changes(way), sentence) for way in ways)
        elif first and len(ways) == 1:
            yield Answer(name, _changes(ways[0]))
        elif re.search(r"^ *(return|yield)\b", below, re.MULTILINE):
            yield Answer(name, below)
        else:
            raise ValueError(
                "write 'name: old → new' and a sentence below it where that is wrong, or the lines "
                f"of a right answer below its name, not:\n{entry}"
            )


def _changes(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r";\s+|\n", text))


def changed(reference: Callable[..., Any], *changes: str, body: str = "") -> Any:
    """A function or class with changes to its source, defined where the original is.

    Args:
        reference: written with ``def`` or ``class`` at the top of a module.
        changes: ``old → new``; old stands exactly once in the source, as does every other one, and
            the changes do not overlap. Where new is empty, old is left out. ``→ expression`` alone
            is the function that returns this expression of its arguments. In both, the name of the
            reference is still the reference.
        body: instead of changes, the lines that stand in the place of a function's own.

    Raises:
        ValueError: a change that cannot be made, or a reference that cannot be changed.
    """
    name = reference.__name__
    source = textwrap.dedent(inspect.getsource(reference))
    if not re.search(rf"^(def|class) {name}\b", source, re.MULTILINE):
        raise ValueError(f"{name} cannot be changed: write it with def or class")
    if getattr(reference, "__closure__", None):
        raise ValueError(f"{name} cannot be changed: it uses names of the function around it")
    if len(changes) == 1 and changes[0].startswith("→ "):
        body = f"return {changes[0][2:]}"
    text = _with_body(source, body) if body else _replaced(source, changes)
    known = {"itertools": itertools, "math": math, "np": np, "torch": torch}
    names = known | vars(sys.modules[reference.__module__])
    exec(compile(text, inspect.getfile(reference), "exec", _FLAGS, dont_inherit=True), names)
    made, names[name] = names[name], reference
    return made


def _with_body(source: str, body: str) -> str:
    """A function's head, and another body."""
    (tree,) = ast.parse(source).body
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"only a function can {body}, in\n{source}")
    tree.body = ast.parse(body).body
    return ast.unparse(tree)


def _replaced(source: str, changes: tuple[str, ...]) -> str:
    """The source with each old text replaced by its new one, all at once."""
    pairs = {}
    for change in changes:
        old, arrow, new = (part.strip() for part in change.partition("→"))
        if not arrow or not old:
            raise ValueError(f"a change is written 'old → new', not {change!r}")
        if source.count(old) != 1:
            raise ValueError(f"{old!r} stands {source.count(old)} times in\n{source}")
        pairs[old] = new
    text, made = re.subn("|".join(map(re.escape, pairs)), lambda found: pairs[found[0]], source)
    if made != len(changes):
        raise ValueError(f"changes overlap: {'; '.join(changes)}")
    return text
