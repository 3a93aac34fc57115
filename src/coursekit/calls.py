"""The calls of ``verify`` in a chapter: what each checks, how, and out of which code."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from coursekit.source import Source, SourceError
from genbook._definitions import Definitions
from genbook._source import emptiness

METHODS = {
    "identity": "symbolic identity",
    "close": "two computations",
    "statistic": "estimate with its standard error",
    "claim": "measured bound",
}


@dataclass(frozen=True)
class Check:
    """A call ``verify.<method>("<label>", …)``.

    Attributes:
        label, method: as they stand there.
        line: of the source.
        hash: of the call and of what it uses, back through the chapter.
        empty: why it proves nothing, as far as the source tells; mostly nothing.
        rejects: the names of its near mistakes, where they are written out.
    """

    label: str
    method: str
    line: int
    hash: str
    empty: str | None = None
    rejects: tuple[str, ...] = ()


def verify_calls(code: str) -> list[tuple[str | None, str, int]]:
    """Calls of ``verify.<method>`` in ``code``: label (``None`` if not literal), method, line."""
    return [(_label(call), _method(call), call.lineno) for call in _calls(ast.parse(code))]


def checks(source: Source) -> list[Check]:
    """Every check of a chapter, in order.

    Raises:
        SourceError: a check whose label is not written out as a string.
    """
    cells = tuple((cell.text, cell.line) for cell in source.cells if cell.kind == "code")
    found = _checks(cells)
    for check in found:
        if not check.label:
            message = f"verify.{check.method} needs its label written out as a string"
            raise SourceError(source.path, check.line, message)
    return list(found)


@lru_cache(maxsize=16)
def _checks(cells: tuple[tuple[str, int], ...]) -> tuple[Check, ...]:
    """The checks of code cells, each with its first line; a label that is computed is empty."""
    trees = [(ast.parse(text), line) for text, line in cells]
    definitions = Definitions([statement for tree, _ in trees for statement in tree.body])
    found = []
    for tree, first in trees:
        for call in _calls(tree):
            at = definitions.place(call)
            assert at is not None, "the call is in one of these statements"
            digest = definitions.of_call(call, at)
            empty = emptiness(call, definitions, at)
            line = first + call.lineno - 1
            found.append(
                Check(_label(call) or "", _method(call), line, digest, empty, _rejects(call))
            )
    return tuple(found)


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "verify"
        and node.func.attr in METHODS
    ]


def _method(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def _label(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    literal = first.value if isinstance(first, ast.Constant) else None
    return literal if isinstance(literal, str) else None


def _rejects(call: ast.Call) -> tuple[str, ...]:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == "rejects"), None)
    keys = given.keys if isinstance(given, ast.Dict) else []
    return tuple(str(key.value) for key in keys if isinstance(key, ast.Constant))
