"""How long a page takes to read: its prose, and what slows a reader down.

    prose      180 words a minute
    formulas   by length: half a second a symbol where they stand alone, a quarter within a line
    code       three seconds a line that stands open; proofs, plots and solutions are folded
    figures    15 seconds each, explorables a minute

A section beside the road is left out: on the site it is folded.

``book/how_to_read.md`` tells the reader the same; the numbers are conventions, not measurements.
"""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

from markdown_it.token import Token

from coursekit.beside import HEADING
from coursekit.calls import verify_calls
from coursekit.source import Cell, blocks, directive, read_page

PROSE = 60 / 180
"""Seconds a word."""
DISPLAYED, INLINE = 0.5, 0.25
"""Seconds a symbol of a formula."""
LEAST = 4
"""Seconds that a formula on a line of its own takes, however short."""
CODE = 3
"""Seconds a line of open code."""
FIGURE, EXPLORABLE = 15, 60
"""Seconds each."""

_FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell", "answer"}
_SYMBOL = re.compile(r"\\[A-Za-z]+|[^\s{}^_&\\]")
_INLINE = re.compile(r"(?<![\\$])\$([^$]+)\$|\{math\}`([^`]+)`")
_WORD = re.compile(r"[^\W\d_]{2,}")


def minutes(path: Path) -> int:
    """Minutes to read the page at ``path``, at least 1.

    Raises:
        SourceError: the page cannot be read as MyST.
    """
    seconds, beside = 0.0, None
    for cell in read_page(path).cells:
        if cell.kind == "code":
            seconds += _code(cell) if beside is None else 0
            continue
        tokens = blocks(cell.text, path, cell.line)
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            if token.type == "heading_open" and (beside is None or token.tag <= beside):
                named = following is not None and following.content.startswith(HEADING)
                beside = token.tag if named else None
            seconds += _block(token, path) if beside is None else 0
    return max(1, math.ceil(seconds / 60))


def is_open(cell: Cell) -> bool:
    """Whether the code of a cell stands open on the page: no proof, no plot, no solution."""
    folded = not _FOLDED.isdisjoint(cell.metadata.get("tags") or [])
    return cell.kind == "code" and not folded and not verify_calls(cell.text)


def _code(cell: Cell) -> float:
    code = CODE * _lines(cell.text) if is_open(cell) else 0
    return code + FIGURE * ("figure" in (cell.metadata.get("mystnb") or {}))


def _block(token: Token, path: Path) -> float:
    if token.type == "inline":
        return _prose(token.content)
    if token.type in ("math_block", "math_block_label", "amsmath"):
        return _formula(token.content)
    if token.type == "code_block":
        return CODE * _lines(token.content)
    if token.type not in ("fence", "colon_fence"):
        return 0
    block = directive(token, path)
    if block is None or block.name in ("code-block", "code"):
        return CODE * _lines(token.content if block is None else block.body)
    if block.name == "math":
        return _formula(block.body)
    if block.name == "literalinclude":
        return CODE * _included(path.parent / block.argument, block.options)
    pause = {"figure": FIGURE, "image": FIGURE, "explorable": EXPLORABLE}.get(block.name, 0)
    return pause + sum(_block(inner, path) for inner in blocks(block.body, path))


def _prose(text: str) -> float:
    formulas = [found[1] or found[2] for found in _INLINE.finditer(text)]
    words = len(_WORD.findall(_INLINE.sub(" ", text)))
    return PROSE * words + INLINE * sum(len(_SYMBOL.findall(each)) for each in formulas)


def _formula(latex: str) -> float:
    return max(LEAST, DISPLAYED * len(_SYMBOL.findall(latex)))


def _lines(code: str) -> int:
    return sum(bool(line.strip()) for line in code.splitlines())


def _included(path: Path, options: dict[str, str]) -> int:
    """The lines of an included file, or of its object that the page shows."""
    if not path.is_file():
        return 0  # refused with its line where the page is lowered
    code = path.read_text("utf-8")
    node: ast.AST = ast.parse(code) if "pyobject" in options else ast.Module([], [])
    for name in filter(None, options.get("pyobject", "").split(".")):
        inside = getattr(node, "body", [])
        node = next((part for part in inside if getattr(part, "name", "") == name), node)
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
    return _lines("\n".join(code.splitlines()[first - 1 : last]))
