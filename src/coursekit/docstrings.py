"""Docstrings as the API page shows them: formulas stay formulas, code stays code.

The package's docstrings are written to be read in the source: ``|x|`` is a norm and ``*args`` a
star, not markup, and ``$…$`` is LaTeX. Sphinx reads reStructuredText, so their prose is escaped for
it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sphinx.application import Sphinx

# Code and roles, which stay as they are, or a formula.
_KEPT = re.compile(r"(``.+?``|:\w+(?::\w+)?:`[^`]+`)|\$([^$]+)\$", re.DOTALL)
_STARS = re.compile(r"(?<![*\w`])\*{1,2}(?=\w)(?![^*]*\w\*)")


def plain_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrite ``lines`` in place, as autodoc's event asks; their number stays the same."""
    if what == "data" and lines:  # else Napoleon takes the words before a colon for a type
        lines[0] = lines[0].replace(": ", " — ", 1)
    lines[:] = [line for text in _chunks(lines) for line in text.split("\n")]


def _chunks(lines: list[str]) -> Iterator[str]:
    """The text in pieces: literal blocks and examples as they are, what is between them escaped."""
    prose: list[str] = []
    margin: int | None = None  # of the paragraph whose literal block we are in
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if margin is not None and line.strip() and indent <= margin:
            margin = None
        if margin is not None or line.lstrip().startswith((">>> ", "... ")):
            if prose:
                yield _escaped("\n".join(prose))
                prose = []
            yield line
            continue
        prose.append(line)
        if line.rstrip().endswith("::"):
            margin = indent
    if prose:
        yield _escaped("\n".join(prose))


def _escaped(prose: str) -> str:
    out: list[str] = []
    done = 0
    for found in _KEPT.finditer(prose):
        kept = found[1] or f":math:`{found[2]}`"
        out += [_marks(prose[done : found.start()]), kept]
        done = found.end()
    return "".join(out) + _marks(prose[done:])


def _marks(text: str) -> str:
    lines = text.replace("|", r"\|").split("\n")
    return "\n".join(_STARS.sub(lambda stars: r"\*" * len(stars[0]), line) for line in lines)
