"""The source of a code cell: what Python can read of it, and what it defines and asks for."""

from __future__ import annotations

import ast
import importlib.util
import re
from contextlib import suppress
from functools import cache
from typing import TypeGuard

from IPython.core.inputtransformer2 import TransformerManager

__all__ = [
    "after",
    "checks",
    "classes",
    "definitions",
    "functions",
    "is_check",
    "is_installed",
    "is_stub",
    "only_defines",
    "only_words",
    "packages",
    "readable",
    "rebinds",
]

# Lines at the left margin that continue the statement above them.
_CONTINUES = re.compile(r"[)\]}]|(else|elif|except|finally|case)\b")
# Cell magics that run the cell as it stands; above them may be empty lines and comments.
_MAGIC = re.compile(r"(?:[ \t]*(?:#.*)?\n)*%%(?:time|capture|prun|debug)\b.*\n")

# Statements that define nothing, or may go on for long.
_DOES = (ast.Expr, ast.For, ast.While, ast.Assert, ast.Delete, ast.Raise, ast.Return)

# Whose calls make constants: ``torch.ones(3)`` is one, ``train(model)`` is not.
_MAKERS = {"math", "np", "torch", "float", "int", "len", "list", "range", "tuple"}


def readable(source: str) -> tuple[str, ast.Module, int]:
    """Source and syntax tree of what Python can read, and the first line it cannot (or 0).

    Below a magic like ``%%time`` is code like any other, so the tree is that of the code.
    """
    found = _MAGIC.match(source)
    body = source[found.end() :] if found else source
    try:
        return source, _parse(body), 0
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
    kept = [(piece, tree) for piece in _pieces(body) if (tree := _tree(piece)) is not None]
    module = ast.Module([node for _, tree in kept for node in tree.body], [])
    return "\n".join(piece for piece, _ in kept), module, line


def _parse(source: str) -> ast.Module:
    # IPython drops blank lines at the top and prompts. For magics and the like it looks at every
    # token, which takes longer than all else, so only where there must be some.
    if not source.startswith((" ", "\t", "\n", "In [", ">>>", "...")):
        with suppress(SyntaxError):
            return ast.parse(source)
    return ast.parse(TransformerManager().transform_cell(source))


def _tree(piece: str) -> ast.Module | None:
    try:
        return _parse(piece)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _pieces(source: str) -> list[str]:
    """The source cut before each line at the left margin that begins a statement."""
    pieces: list[list[str]] = [[]]
    decorated = False
    for line in source.split("\n"):
        begins = bool(line) and not line[0].isspace() and not _CONTINUES.match(line)
        if begins and not decorated:
            pieces.append([])
        pieces[-1].append(line)
        if begins:
            decorated = line.startswith("@")
    return ["\n".join(lines) for lines in pieces if any(line.strip() for line in lines)]


def checks(tree: ast.Module) -> list[tuple[str, str]]:
    """(question id, source of the answer) of the calls ``check("id", answer)`` in a cell."""
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and _called(node) == "check"
            and len(node.args) == 2
            and isinstance(node.args[0], ast.Constant)
        ):
            found.append((str(node.args[0].value), _unparsed(node.args[1])))
    return found


def is_check(node: ast.stmt) -> bool:
    """A statement that only checks an answer or imports the checker."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "genbook.checks"
    value = node.value if isinstance(node, ast.Expr | ast.Assign) else None
    return isinstance(value, ast.Call) and _called(value) == "check"


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def packages(tree: ast.Module) -> set[str]:
    """The packages that are imported anywhere in a cell."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {item.name.partition(".")[0] for item in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@cache
def is_installed(package: str) -> bool:
    """Whether a package can be imported where grading runs. Nothing is imported to find out."""
    if package == "google":  # of Colab: kernels have one that does nothing
        return True
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def functions(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """Functions and classes at the top level, with their parameters."""
    found: dict[str, tuple[str, ...]] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[node.name] = tuple(a.arg for a in (*node.args.posonlyargs, *node.args.args))
        elif isinstance(node, ast.ClassDef):
            found[node.name] = ()
    return found


def classes(tree: ast.Module) -> set[str]:
    """Classes at the top level."""
    return {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def rebinds(tree: ast.Module, name: str, written: set[str]) -> bool:
    """Whether ``name`` is bound at the top level to what must be a function.

    That is a lambda, one of the functions ``written``, or one of them wrapped: ``partial(f, 3)``.
    """
    for node in tree.body:
        if isinstance(node, ast.Assign) and name in map(ast.unparse, node.targets):
            value = node.value
            given = [value, *value.args] if isinstance(value, ast.Call) else [value]
            if any(
                isinstance(part, ast.Lambda) or (isinstance(part, ast.Name) and part.id in written)
                for part in given
            ):
                return True
    return False


def is_stub(node: ast.stmt) -> TypeGuard[ast.FunctionDef]:
    """Whether a statement is a function that does nothing but say that it is not written yet."""
    if not isinstance(node, ast.FunctionDef):
        return False
    body = [part for part in node.body if not _is_words(part)]
    raised = body[0].exc if len(body) == 1 and isinstance(body[0], ast.Raise) else None
    kind = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(kind, ast.Name) and kind.id == "NotImplementedError"


def definitions(tree: ast.Module) -> str:
    """A cell's imports, functions, classes and constants: what can be run without the rest."""
    return _tried([node for node in tree.body if _is_definition(node)])


def after(source: str, line: int) -> str:
    """What a cell would have defined below the statement that failed in this line.

    Unlike ``definitions``, with what was to be computed; without what only does something.
    """
    _, tree, _ = readable(source)
    below = [node for node in tree.body if node.lineno > line]
    return _tried([node for node in below if not isinstance(node, _DOES)])


def _tried(nodes: list[ast.stmt]) -> str:
    """Each statement is tried for itself, so that one that fails costs no other."""
    ignored = ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])
    tried = [node if _is_future(node) else ast.Try([node], [ignored], [], []) for node in nodes]
    return _unparsed(ast.fix_missing_locations(ast.Module(tried, []))) if nodes else ""


def _unparsed(node: ast.AST) -> str:
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


def only_defines(tree: ast.Module) -> bool:
    """Whether a cell has nothing but definitions, docstrings and checks."""
    return all(_is_definition(node) or is_check(node) or _is_words(node) for node in tree.body)


def only_words(tree: ast.Module) -> bool:
    """Whether a cell has nothing but comments, constants and names: prose, perhaps."""
    return all(
        isinstance(node, ast.Expr)
        and not any(isinstance(part, ast.Call) for part in ast.walk(node))
        for node in tree.body
    )


def _is_definition(node: ast.stmt) -> bool:
    """Not a definition: what calls something now, or changes something that is there already."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = [part for target in targets for part in ast.walk(target)]
        binds = not any(isinstance(part, ast.Attribute | ast.Subscript) for part in parts)
        return binds and (node.value is None or _is_constant(node.value))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return isinstance(node, kinds)


def _is_constant(value: ast.expr) -> bool:
    """Whether nothing is called to compute a value but what makes numbers and tensors."""
    todo: list[ast.AST] = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] not in _MAKERS:
            return False
        todo += ast.iter_child_nodes(node)
    return True


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_words(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
