"""Checks that could not fail, told by how they are written: their values look like any other's.

``verify`` looks at its caller's source where there is one (a file, a notebook's cell), and
``coursekit`` at a whole chapter. What cannot be read is not judged.
"""

from __future__ import annotations

import ast
import linecache
from functools import lru_cache
from types import FrameType

from genbook._definitions import Definitions, is_module

_NEVER_NEGATIVE = {"abs", "fabs", "square", "norm", "std", "var", "len"}
_PASSED_ON = {"float", "int", "item", "max", "min", "mean", "sum", "amax", "amin"}


def of_caller(frame: FrameType) -> str | None:
    """Why the call that ``frame`` is at proves nothing; ``None`` where nothing is to be said."""
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    return _of_place(source, list(frame.f_code.co_positions())[frame.f_lasti // 2])


@lru_cache(maxsize=256)
def _of_place(source: str, place: tuple[int | None, ...]) -> str | None:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if (call.lineno, call.end_lineno, call.col_offset, call.end_col_offset) == place:
            definitions = Definitions(_around(tree, call))
            at = definitions.place(call)
            return None if at is None else emptiness(call, definitions, at)
    return None


def emptiness(call: ast.Call, definitions: Definitions, at: int) -> str | None:
    """Why a call of one of ``verify``'s functions proves nothing, as far as its source tells."""
    method = getattr(call.func, "attr", getattr(call.func, "id", ""))
    names = {
        "identity": ("lhs", "rhs"),
        "close": ("computed", "expected"),
        "statistic": ("samples", "expected"),
        "claim": ("value", "relation", "bound"),
    }.get(method)
    if names is None or any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    given = dict(zip(names, call.args[1:], strict=False))
    given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in names}
    if len(given) < len(names):
        return None
    if method == "claim":
        return _of_claim(given, definitions, at)
    left, right = (given[name] for name in names)
    if definitions.hash(left, at, rewritten=True) == definitions.hash(right, at, rewritten=True):
        return (
            "both sides are the same computation, at most rewritten (expand, simplify, doit), so "
            "nothing is compared. Compute one of them in another way, or write it out."
        )
    if method == "statistic" and _is_mean_of(right, left, definitions, at):
        return "expected is computed as the mean of these very samples, so nothing is compared."
    return None


def _of_claim(given: dict[str, ast.expr], definitions: Definitions, at: int) -> str | None:
    bound, where = definitions.value(given["bound"], at)
    measured = definitions.hash(given["value"], at)
    of_value = any(
        definitions.hash(part, where) == measured
        for part in ast.walk(bound)
        if isinstance(part, ast.Name)
    )
    if of_value or _computed(bound, definitions, where):
        return (
            f"the bound is computed ({ast.unparse(bound)}): write the number that the text names, "
            "or a bound can follow whatever is measured."
        )
    relation = given["relation"]
    sign = relation.value if isinstance(relation, ast.Constant) else None
    above = sign in (">", ">=") and _number(bound) <= 0
    if above and _never_negative(given["value"], definitions, at):
        return f"the value is never negative, so it is always {sign!s} {ast.unparse(bound)}."
    return None


def _computed(node: ast.AST, definitions: Definitions, at: int) -> bool:
    """Whether a bound is more than written numbers; a name from elsewhere gets the doubt."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            inner, where = definitions.value(part, at)
            if inner is not part and _computed(inner, definitions, where):
                return True
            if inner is part and not is_module(part) and definitions.defines(part.id, at):
                return True
        if isinstance(part, ast.Subscript):
            return True
        if isinstance(part, ast.Call) and not is_module(getattr(part.func, "value", part)):
            return True
    return False


def _number(node: ast.AST) -> float:
    """The number that is written, or infinity."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return float("inf")
    return value if isinstance(value, int | float) else float("inf")


def _never_negative(node: ast.AST, definitions: Definitions, at: int) -> bool:
    node, at = definitions.value(node, at)
    if isinstance(node, ast.Call):
        name, inner = _applied(node)
        if name in _NEVER_NEGATIVE:
            return True
        return name in _PASSED_ON and inner is not None and _never_negative(inner, definitions, at)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return isinstance(node.right, ast.Constant) and node.right.value == 2
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        largest, smallest = (_extreme(side, definitions, at) for side in (node.left, node.right))
        return (
            largest is not None
            and smallest is not None
            and ((largest[0], smallest[0]) == ("max", "min") and largest[1] == smallest[1])
        )
    return False


def _extreme(node: ast.AST, definitions: Definitions, at: int) -> tuple[str, str] | None:
    """``max`` or ``min`` and the hash of what it is taken of."""
    node, at = definitions.value(node, at)
    while isinstance(node, ast.Call):
        name, inner = _applied(node)
        if inner is None:
            return None
        if name.lstrip("a") in ("max", "min"):
            return name.lstrip("a"), definitions.hash(inner, at, rewritten=True)
        if name not in ("float", "int", "item"):
            return None
        node, at = definitions.value(inner, at)
    return None


def _is_mean_of(node: ast.AST, samples: ast.AST, definitions: Definitions, at: int) -> bool:
    """Whether ``node`` is the mean of ``samples``: as a method, a function, or sum over number."""
    wanted = definitions.hash(samples, at, rewritten=True)
    node, at = definitions.value(node, at)
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name, inner = _applied(part)
            if inner is None or name not in ("mean", "average", "sum"):
                continue
            if definitions.hash(inner, at, rewritten=True) == wanted:
                return True
    return False


def _applied(call: ast.Call) -> tuple[str, ast.expr | None]:
    """The name of what is called, and what it is applied to: the object or the first argument."""
    if isinstance(call.func, ast.Attribute) and not is_module(call.func.value):
        return call.func.attr, call.func.value
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name, call.args[0] if call.args else None


def _around(tree: ast.Module, call: ast.Call) -> list[ast.stmt]:
    """The body of the innermost function that holds the call, or the whole source."""
    body = tree.body
    for node in ast.walk(tree):  # from the outside in
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            part is call for statement in node.body for part in ast.walk(statement)
        )
        body = node.body if inside else body  # type: ignore[attr-defined]
    return body
