"""Known ways of being wrong, most of them written as a change to the reference.

    wrong("variance for sigma", "sigma * noise → sigma**2 * noise").says(
        "You multiply the fresh noise with σ², its variance. The factor is σ."
    )

is the reference with this text of its source replaced. So nothing but the mistake is written, and
it cannot fall behind when the reference is improved.
"""

from __future__ import annotations
import __future__

import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

__all__ = ["ARROW", "Misconception", "changed", "wrong"]

ARROW = " → "
_FLAGS = __future__.annotations.compiler_flag  # annotations of the reference may need no import


@dataclass(frozen=True)
class Misconception:
    """A known way of being wrong, and the sentence that helps out of it.

    Args:
        name: a few words for it, which instructors read.
        how: an implementation, or changes ``old → new`` of the reference's source.
        sentence: what the student reads.
        reference: what the changes are made to; a question puts its own here.
    """

    name: str
    how: Callable[..., Any] | tuple[str, ...]
    sentence: str = ""
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

    def says(self, sentence: str) -> Misconception:
        """The same, with the sentence that the student reads."""
        return replace(self, sentence=sentence)


def wrong(name: str, *how: Callable[..., Any] | str) -> Misconception:
    """A way of being wrong that still needs its sentence: ``wrong(name, how).says(sentence)``.

    Args:
        name: a few words for it.
        how: changes ``old → new`` of the reference's source; where no change says it, a function.

    Raises:
        ValueError: neither changes nor a single function.
    """
    changes = tuple(item for item in how if isinstance(item, str))
    if changes and len(changes) == len(how):
        return Misconception(name, changes)
    if len(how) == 1 and callable(how[0]):
        return Misconception(name, how[0])
    raise ValueError(f"{name!r}: give changes 'old{ARROW}new', or one function")


def changed(reference: Callable[..., Any], *changes: str) -> Any:
    """A function or class with changes to its source, defined where the original is.

    Args:
        reference: written with ``def`` or ``class`` at the top of a module.
        changes: ``old → new``; old stands exactly once in the source, as does every other one, and
            the changes do not overlap. Where new is empty, old is left out.

    Raises:
        ValueError: a change that cannot be made, or a reference that cannot be changed.
    """
    name = reference.__name__
    source = textwrap.dedent(inspect.getsource(reference))
    if not re.search(rf"^(def|class) {name}\b", source, re.MULTILINE):
        raise ValueError(f"{name} cannot be changed: write it with def or class")
    if getattr(reference, "__closure__", None):
        raise ValueError(f"{name} cannot be changed: it uses names of the function around it")
    pairs = {}
    for change in changes:
        old, arrow, new = change.partition(ARROW.rstrip())
        old = old.removesuffix(" ")
        if not arrow or not old:
            raise ValueError(f"{name}: a change is written 'old{ARROW}new', not {change!r}")
        if source.count(old) != 1:
            raise ValueError(f"{name}: {old!r} stands {source.count(old)} times in\n{source}")
        pairs[old] = new.removeprefix(" ")
    text, made = re.subn("|".join(map(re.escape, pairs)), lambda found: pairs[found[0]], source)
    if made != len(changes):
        raise ValueError(f"{name}: the changes overlap: {', '.join(changes)}")
    names = dict(vars(sys.modules[reference.__module__]))
    exec(compile(text, f"<{name}, changed>", "exec", _FLAGS, dont_inherit=True), names)
    return names[name]
