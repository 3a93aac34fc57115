"""The words for what code uses: imports, chains of names, strings that are put together, scopes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["plain", "entry", "message"]
"""How a name is used: looked up by key (``N[k]``, ``k in N``, ``N.get(k)``), for the text of an
error (below ``raise``, or in a block that ends in one), or in any other way."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Import:
    """``import module``, or ``from module import name``; ``level`` counts the leading dots."""

    module: str
    name: str | None = None
    level: int = 0


@dataclass(frozen=True)
class Use:
    """A chain ``root.a.b`` that is read.

    Attributes:
        root: a name of the module around the code, or what an import inside a function binds.
        attributes: what follows, as far as it is a chain of names.
        mode: see ``Mode``.
        computed: a pattern of the key or of the first argument, where that is put together there.
        called: it is called, or handed to a function, which may call it (a class only keeps it).
    """

    root: str | Import
    attributes: tuple[str, ...] = ()
    mode: Mode = "plain"
    computed: str | None = None
    called: bool = False


@dataclass
class Code:
    """What a piece of code uses.

    Attributes:
        uses: chains of names.
        loads: modules that it imports when it runs.
        strings: string constants, without docstrings and annotations.
        patterns: regular expressions of strings that are put together (``f"digits-{kind}"``).
        dynamic: beginnings of the names of modules that are imported by a computed name.
        own: it sees its module's whole namespace (``globals()``, ``eval``, ``sys.modules[name]``).
        beside: it finds files by its own place (``__file__``).
        writes: a function in it changes state of a module or of a class.
    """

    uses: list[Use] = field(default_factory=list)
    loads: list[Import] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    dynamic: list[str] = field(default_factory=list)
    own: bool = False
    beside: bool = False
    writes: bool = False


def imports(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Import, Import]]:
    """Of each name that an import binds (``*`` too): the name, its target, the module it loads."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            target = Import(node.module or "", alias.name, node.level)
            yield alias.asname or alias.name, target, target
        elif alias.asname:
            yield alias.asname, Import(alias.name), Import(alias.name)
        else:  # `import a.b` binds `a`
            top = alias.name.partition(".")[0]
            yield top, Import(top), Import(alias.name)


def chain(node: ast.AST) -> tuple[str, tuple[str, ...]] | None:
    """``a.b.c`` as ``("a", ("b", "c"))``; ``None`` for what is no chain of names."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(attributes))) if isinstance(node, ast.Name) else None


def pattern(node: ast.AST) -> str | None:
    """A regular expression of the strings that ``node`` can make, if it puts one together."""
    if isinstance(node, ast.JoinedStr):
        return "".join(fixed(part) or ".*" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        sides = (node.left, node.right) if isinstance(node.op, ast.Add) else (node.left,)
        return "".join(fixed(side) or ".*" for side in sides)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "join")
    ):
        return fixed(node.func.value) if node.func.attr == "format" else ".*"
    return None


def fixed(node: ast.AST) -> str | None:
    """The same of a string with ``{}`` or ``%s`` in it, and of a plain one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        parts = re.split(r"\{[^}]*\}|%[-\w.]*[sdrfg]", node.value)
        return ".*".join(re.escape(part) for part in parts)
    return pattern(node)


@dataclass
class Scope:
    names: set[str]
    imports: dict[str, list[Import]]


def arguments(args: ast.arguments) -> Iterator[ast.arg]:
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from (argument for argument in (args.vararg, args.kwarg) if argument)


def bindings(body: Iterable[ast.AST]) -> Scope:
    """What ``body`` binds in its own scope, without the scopes inside it."""
    scope, elsewhere = Scope(set(), {}), set()
    queue = list(body)
    while queue:
        node = queue.pop()
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            scope.names.add(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _COMPREHENSIONS):
            # Only `:=` reaches out of a comprehension.
            inner = (n for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
            scope.names |= {walrus.target.id for walrus in inner}
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, target, _ in imports(node):
                scope.imports.setdefault(name, []).append(target)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            scope.names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.names.add(node.rest)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere |= set(node.names)
        queue += ast.iter_child_nodes(node)
    scope.names -= elsewhere
    return scope
