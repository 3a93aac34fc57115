"""The calls of ``verify`` in a chapter: what each checks, how, and out of which code."""

from __future__ import annotations

import ast
from dataclasses import dataclass

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
    cells = [(cell, ast.parse(cell.text)) for cell in source.cells if cell.kind == "code"]
    definitions = Definitions([statement for _, tree in cells for statement in tree.body])
    found = []
    for cell, tree in cells:
        for call in _calls(tree):
            label, line = _label(call), cell.line + call.lineno - 1
            if label is None:
                message = f"verify.{_method(call)} needs its label written out as a string"
                raise SourceError(source.path, line, message)
            at = definitions.place(call)
            assert at is not None, "the call is one of these statements"
            digest = definitions.of_call(call, at)
            empty = emptiness(call, definitions, at)
            found.append(Check(label, _method(call), line, digest, empty, _rejects(call)))
    return found


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
