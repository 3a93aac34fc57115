"""A module as its top-level statements: what each of them binds, and what merely runs at import."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from coursekit.dependencies.code import Code, Import, imports
from coursekit.dependencies.names import read
from coursekit.dependencies.registry import Registry, registry

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_BLOCKS = (ast.If, ast.Try, ast.With)


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement of a module's top level: what a digest counts or leaves out.

    Attributes:
        module: dotted name; the code of a notebook has an empty one.
        index: its place in the module.
        node: its syntax tree.
        binds: the names that it binds.
        effect: it does more than to bind names (a call, a loop, a store into an object): it counts
            whenever its module is imported.
    """

    module: str
    index: int
    node: ast.stmt
    binds: tuple[str, ...]
    effect: bool

    @cached_property
    def code(self) -> Code:
        """What it uses, whole."""
        return read([self.node])

    @cached_property
    def at_import(self) -> Code:
        """What it uses when its module is imported: decorators, bases, defaults, values."""
        return read([self.node], at_import=True)

    @cached_property
    def decorators(self) -> Code:
        return read(self.node.decorator_list if isinstance(self.node, _DEFINITIONS) else [])

    @cached_property
    def bases(self) -> Code:
        return read(self.node.bases if isinstance(self.node, ast.ClassDef) else [])

    @cached_property
    def prepares_subclasses(self) -> bool:
        """Whether it is a class that may do something when one is derived from it."""
        if not isinstance(self.node, ast.ClassDef):
            return False
        hooks = {"__init_subclass__", "__set_name__"}
        named = {n.name for n in self.node.body if isinstance(n, _DEFINITIONS)}
        return bool(hooks & named) or any(k.arg == "metaclass" for k in self.node.keywords)

    @cached_property
    def registry(self) -> Registry | None:
        """Its entries, if it is a dict literal whose entries may count one by one."""
        return registry(self.node)


@dataclass(eq=False)
class Module:
    """A module, read.

    Attributes:
        name: dotted; empty for the code of a notebook.
        package: what relative imports start from.
        statements: all but imports and bare strings.
        bindings: name to the statements that bind it (several for a conditional definition).
        imports: name to what an import of the top level binds to it.
        stars: modules of ``from module import *``.
        loads: modules that are imported with this one.
    """

    name: str
    package: str
    statements: list[Statement] = field(default_factory=list)
    bindings: dict[str, list[Statement]] = field(default_factory=dict)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    stars: list[Import] = field(default_factory=list)
    loads: list[Import] = field(default_factory=list)

    def add(self, node: ast.stmt) -> None:
        if isinstance(node, _IMPORTS):
            self._import(node, loads=True)
            return
        if _is_bare_string(node) or _is_main(node):
            return
        typing_only = isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"
        for leaf in _leaves(node):
            if isinstance(leaf, _IMPORTS):
                self._import(leaf, loads=not typing_only)
        if typing_only and all(isinstance(leaf, _IMPORTS) for leaf in _leaves(node)):
            return
        binds = _binds(node)
        statement = Statement(self.name, len(self.statements), node, binds or (), binds is None)
        self.statements.append(statement)
        for name in statement.binds:
            self.bindings.setdefault(name, []).append(statement)

    def exports(self) -> list[str] | None:
        """The names of ``from module import *``; ``None`` where they cannot be read off."""
        found = self.bindings.get("__all__")
        if not found:
            names = (*self.bindings, *self.imports)
            return [name for name in names if not name.startswith("_")] if not self.stars else None
        try:
            (statement,) = found
            names = ast.literal_eval(statement.node.value)  # type: ignore[attr-defined]
        except (AttributeError, ValueError):
            return None
        return list(names)

    def _import(self, node: ast.Import | ast.ImportFrom, loads: bool) -> None:
        for name, target, loaded in imports(node):
            if name == "*":
                self.stars.append(Import(target.module, None, target.level))
            else:
                self.imports.setdefault(name, []).append(target)
            if loads:
                self.loads.append(loaded)


@lru_cache(maxsize=4096)
def parse(name: str, package: str, text: str, path: Path | str = "<cell>") -> Module:
    """The module with this text.

    Raises:
        SyntaxError: it is no valid Python.
    """
    module = Module(name, package)
    for node in ast.parse(text, filename=str(path)).body:
        module.add(node)
    return module


def _binds(node: ast.stmt) -> tuple[str, ...] | None:
    """The names that ``node`` binds; ``None`` if it does anything else that a reader should see."""
    if isinstance(node, _DEFINITIONS):
        return (node.name,)
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [name for target in targets for name in _target(target)]
        # What is assigned to `_` is there for what its value does.
        return None if None in names or names == ["_"] else tuple(n for n in names if n)
    if isinstance(node, _IMPORTS):
        return tuple(name for name, _, _ in imports(node))
    if isinstance(node, ast.Pass) or _is_bare_string(node):
        return ()
    if isinstance(node, ast.TypeAlias if hasattr(ast, "TypeAlias") else ()):
        return (node.name.id,)
    if isinstance(node, _BLOCKS):
        leaves = [_binds(leaf) for leaf in _leaves(node)]
        if None not in leaves:
            return tuple(dict.fromkeys(name for leaf in leaves for name in leaf or ()))
    return None


def _target(node: ast.AST) -> list[str | None]:
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Tuple | ast.List):
        return [name for element in node.elts for name in _target(element)]
    return _target(node.value) if isinstance(node, ast.Starred) else [None]


def _leaves(node: ast.stmt) -> list[ast.stmt]:
    """The statements of a conditional block, of all its branches."""
    if not isinstance(node, _BLOCKS):
        return [node]
    body = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
    body += [s for handler in getattr(node, "handlers", []) for s in handler.body]
    return [leaf for statement in body for leaf in _leaves(statement)]


def _last_name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _is_bare_string(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_main(node: ast.stmt) -> bool:
    """Whether it is ``if __name__ == "__main__":`` without more, which no import runs."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    return ast.unparse(node.test) == "__name__ == '__main__'"
