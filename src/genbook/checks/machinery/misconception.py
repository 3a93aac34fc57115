"""Known ways of being wrong, most of them written as a change to the reference.

    MISCONCEPTIONS = mistakes(\"\"\"
    variance for sigma: sigma * noise → sigma**2 * noise
        You multiply the fresh noise with σ², its variance. The factor is σ.
    predicted x_0 only: → (xt - schedule.b(t) * eps) / schedule.a(t)
        You stop at the predicted x_0. Go on to the time s.
    \"\"\")

The first is the reference with this text of its source replaced; the second, without an old text,
returns this expression of the reference's arguments. So nothing but the mistake is written, no
signature again, and it cannot fall behind when the reference is improved.
"""

from __future__ import annotations
import __future__

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

__all__ = ["Misconception", "changed", "mistakes"]

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


def mistakes(text: str) -> tuple[Misconception, ...]:
    """Misconceptions, each a line ``name: old → new`` with the sentence indented below it.

    Changes are as ``changed`` takes them. Several are separated by semicolons or stand on
    lines of their own before the sentence, and the first may stand below the name, too.

    Raises:
        ValueError: a line that belongs to nothing; a misconception without change or sentence.
    """
    return tuple(_entries(textwrap.dedent(text).strip()))


def _entries(text: str) -> Iterator[Misconception]:
    for entry in re.split(r"\n+(?=\S)", text):
        name, colon, rest = entry.partition(":")
        lines = [line.strip() for line in rest.splitlines() if line.strip()]
        first = next((i for i, line in enumerate(lines) if "→" not in line), len(lines))
        changes = tuple(part for line in lines[:first] for part in re.split(r";\s+", line))
        sentence = " ".join(lines[first:])
        if not colon or not changes or not sentence:
            raise ValueError(f"write 'name: old → new' and a sentence below it, not:\n{entry}")
        yield Misconception(name, changes, sentence)


def changed(reference: Callable[..., Any], *changes: str) -> Any:
    """A function or class with changes to its source, defined where the original is.

    Args:
        reference: written with ``def`` or ``class`` at the top of a module.
        changes: ``old → new``; old stands exactly once in the source, as does every other one, and
            the changes do not overlap. Where new is empty, old is left out. ``→ expression`` alone
            is the function that returns this expression of its arguments. In both, the name of the
            reference is still the reference.

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
        text = _returning(source, changes[0][2:])
    else:
        text = _replaced(source, changes)
    names = dict(vars(sys.modules[reference.__module__]))
    exec(compile(text, inspect.getfile(reference), "exec", _FLAGS, dont_inherit=True), names)
    made, names[name] = names[name], reference
    return made


def _returning(source: str, expression: str) -> str:
    """A function's head, and a body that returns the expression."""
    (tree,) = ast.parse(source).body
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"only a function can return {expression}, in\n{source}")
    tree.body = [ast.Return(ast.parse(expression, mode="eval").body)]
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
