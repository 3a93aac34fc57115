"""Where the names of some code come from: a hash of an expression with all that it is made of.

Every name is replaced by its definition, and so on down to constants, imports and what the code
does not define. Two expressions with one hash are one computation, however the names between are
called; and the hash of a check changes only with the check and what it uses. Nothing is run.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# A method that changes what it is called on: PyTorch's underscore, and those of lists and dicts.
_CHANGES = re.compile(
    r"[a-z]\w*[a-z0-9]_|append|extend|add|update|insert|setdefault|pop|remove|clear"
)
# What writes the same value otherwise: SymPy's rewriting, copies, types.
_REWRITES = re.compile(
    r"expand\w*|simplify|n?simplify|factor|together|cancel|apart|\w+simp|collect|logcombine|doit"
    r"|sympify|item|clone|detach|double|float|numpy|tolist|copy|cpu|contiguous|array|asarray"
    r"|tensor|as_tensor|expand_as"
)
_CARRIED_OUT = {"integrate": "Integral", "diff": "Derivative", "summation": "Sum"}


@dataclass(frozen=True)
class _Leaf:
    """A simple statement, with the heads of the loops and conditions around it."""

    node: ast.stmt
    heads: tuple[ast.expr, ...]
    unit: int  # one number a statement of the top level

    @property
    def nested(self) -> bool:
        return bool(self.heads)


@dataclass(frozen=True)
class _Binding:
    """One way in which a leaf defines or changes a name; ``whole`` if nothing earlier is left."""

    leaf: int
    node: ast.AST | str
    path: str
    whole: bool


class Definitions:
    """The definitions in some code, statement by statement."""

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self._leaves: list[_Leaf] = []
        self._bindings: dict[str, list[_Binding]] = {}
        for unit, statement in enumerate(body):
            self._flatten(statement, (), unit)
        for i, leaf in enumerate(self._leaves):
            for name, node, path, whole in _bound(leaf.node):
                binding = _Binding(i, node, path, whole and not leaf.nested)
                self._bindings.setdefault(name, []).append(binding)
        self._known: dict[tuple[int, int], tuple[ast.AST, str]] = {}
        self._busy: set[tuple[str, int]] = set()
        self._rewritten = False

    def place(self, node: ast.AST) -> int | None:
        """The number of the statement in which ``node`` stands."""
        for i, leaf in enumerate(self._leaves):
            if any(part is node for part in ast.walk(leaf.node)):
                return i
        return None

    def hash(self, node: ast.AST, at: int, rewritten: bool = False) -> str:
        """What ``node`` in statement ``at`` computes; ``rewritten``: whatever form it is put in."""
        self._known, self._busy, self._rewritten = {}, set(), rewritten
        return self._hash(node, at, {})

    def of_call(self, call: ast.Call, at: int) -> str:
        """What the arguments of a call after its label, and the heads around it, are made of."""
        leaf = self._leaves[at]
        parts = [*call.args[1:], *(keyword for keyword in call.keywords), *leaf.heads]
        if isinstance(leaf.node, (*_FUNCTIONS, ast.ClassDef)):
            parts.append(leaf.node)  # the arguments are names of its own scope
        return _digest("call", *(self.hash(part, at) for part in parts))

    def value(self, node: ast.AST, at: int) -> tuple[ast.AST, int]:
        """The expression behind a name that one plain assignment defines; else ``node`` itself."""
        while isinstance(node, ast.Name):
            found = self._reaching(node.id, at)
            if len(found) != 1 or not found[0].whole or found[0].path:
                break
            if not isinstance(found[0].node, ast.expr) or isinstance(found[0].node, ast.Lambda):
                break
            node, at = found[0].node, found[0].leaf
        return node, at

    def defines(self, name: str, at: int) -> bool:
        return bool(self._reaching(name, at))

    def needed(self, unit: int) -> list[int]:
        """The statements of the top level that statement ``unit`` needs, itself included."""
        needed, seen = set(), set()
        queue = [(i, i) for i, leaf in enumerate(self._leaves) if leaf.unit == unit]
        while queue:
            i, at = queue.pop()
            if (i, at) in seen:
                continue
            seen.add((i, at))
            leaf = self._leaves[i]
            if leaf.unit not in needed:  # all of a loop runs, whichever part of it is needed
                needed.add(leaf.unit)
                queue += [(k, k) for k, other in enumerate(self._leaves) if other.unit == leaf.unit]
            for name in set().union(*(_free(part) for part in (leaf.node, *leaf.heads))):
                for binding in self._reaching(name, at):
                    function = isinstance(binding.node, (*_FUNCTIONS, ast.Lambda))
                    queue.append((binding.leaf, at if function else binding.leaf))
        return sorted(needed)

    def _flatten(self, node: ast.stmt, heads: tuple[ast.expr, ...], unit: int) -> None:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) or not hasattr(node, "body"):
            self._leaves.append(_Leaf(node, heads, unit))
            return
        if isinstance(node, ast.For | ast.AsyncFor):
            bind: ast.stmt = ast.Assign([node.target], ast.Starred(node.iter, ast.Load()))
            self._leaves.append(_Leaf(bind, (*heads, node.iter), unit))
            heads = (*heads, node.iter)
        elif isinstance(node, ast.If | ast.While):
            heads = (*heads, node.test)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                heads = (*heads, item.context_expr)
                if item.optional_vars:
                    bind = ast.Assign([item.optional_vars], item.context_expr)
                    self._leaves.append(_Leaf(bind, heads, unit))
        for part in ("body", "handlers", "orelse", "finalbody"):
            for inner in getattr(node, part, []):
                for statement in inner.body if isinstance(inner, ast.ExceptHandler) else [inner]:
                    # A branch of its own, even where nothing is asked (``try``).
                    self._flatten(statement, heads or (ast.Constant("try"),), unit)

    def _reaching(self, name: str, at: int) -> list[_Binding]:
        """The definitions of a name that statement ``at`` may see."""
        here = self._leaves[at]
        found: list[_Binding] = []
        for binding in reversed(self._bindings.get(name, [])):
            if binding.leaf >= at:
                if here.nested and self._leaves[binding.leaf].unit == here.unit:
                    found.append(binding)  # the loop comes round
                continue
            found.append(binding)
            if binding.whole:
                break
        return found

    def _defined(self, name: str, at: int) -> str:
        key = (name, at)
        if key in self._busy:
            return "itself"
        found = self._reaching(name, at)
        if not found:
            return _digest("name", name)
        self._busy.add(key)
        parts = []
        for binding in found:
            if isinstance(binding.node, str):
                parts.append(_digest("import", binding.node))
                continue
            # A function sees the names as they are when it is called.
            function = isinstance(binding.node, (*_FUNCTIONS, ast.Lambda))
            inner = self._hash(binding.node, at if function else binding.leaf, {})
            parts.append(_digest("part", binding.path, inner) if binding.path else inner)
        self._busy.discard(key)
        if len(parts) == 1 and found[0].whole:
            return parts[0]
        heads = [self._hash(h, b.leaf, {}) for b in found for h in self._leaves[b.leaf].heads]
        return _digest("several", *parts, *heads)

    def _hash(self, node: ast.AST, at: int, local: dict[str, str]) -> str:
        key = (id(node), at)
        if local or key not in self._known:
            result = self._made(node, at, local)
            if local:
                return result
            self._known[key] = node, result  # the node too: an id is free again when its node goes
        return self._known[key][1]

    def _made(self, node: ast.AST, at: int, local: dict[str, str]) -> str:
        if self._rewritten:
            node = _plain(node)
        if isinstance(node, ast.Name):
            return local.get(node.id) or self._defined(node.id, at)
        if isinstance(node, ast.arg):
            return local.get(node.arg, node.arg)
        if isinstance(node, ast.Constant):
            return _digest("constant", type(node.value).__name__, repr(node.value))
        if isinstance(node, _SCOPES):
            numbers = count(len(local))
            names = dict.fromkeys(_own_names(node))
            local = local | {name: f"local {next(numbers)}" for name in names}
        fields = []
        for name, value in ast.iter_fields(node):
            if name in ("ctx", "type_comment", "kind", "returns", "annotation", "type_params"):
                continue
            if name == "name" and isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                continue
            items = value if isinstance(value, list) else [value]
            texts = [
                self._hash(item, at, local) if isinstance(item, ast.AST) else repr(item)
                for item in items
            ]
            fields.append(_digest(name, *texts))
        return _digest(type(node).__name__, *fields)


def _bound(node: ast.stmt) -> Iterator[tuple[str, ast.AST | str, str, bool]]:
    """Names that a simple statement binds or changes: name, by what, which part of it, wholly."""
    if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
        yield node.name, node, "", True
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            name = alias.asname or (alias.name if module else alias.name.partition(".")[0])
            yield name, module + alias.name, "", True
        return
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _unpacked(target, node.value, "", node)
    elif isinstance(node, ast.AnnAssign) and node.value:
        yield from _unpacked(node.target, node.value, "", node)
    elif isinstance(node, ast.AugAssign):
        yield from ((name, node, "changed", False) for name in _root(node.target))
    for part in ast.walk(node):
        if isinstance(part, ast.NamedExpr):
            yield part.target.id, part.value, "", False
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            changes = _CHANGES.fullmatch(part.func.attr)
            for name in _root(part.func.value) if changes else ():
                yield name, part, "changed", False


def _unpacked(
    target: ast.expr, value: ast.expr, path: str, node: ast.stmt
) -> Iterator[tuple[str, ast.AST | str, str, bool]]:
    if isinstance(target, ast.Name):
        yield target.id, value, path, True
    elif isinstance(target, ast.Tuple | ast.List):
        starred = any(isinstance(item, ast.Starred) for item in target.elts)
        symbols = _symbols(value)
        for i, item in enumerate(target.elts):
            inner = item.value if isinstance(item, ast.Starred) else item
            values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            if len(values) == len(target.elts) and not starred and not path:
                yield from _unpacked(inner, values[i], path, node)
            elif symbols and len(symbols) == len(target.elts):
                yield from _unpacked(inner, symbols[i], path, node)
            else:
                yield from _unpacked(inner, value, f"{path}.{i}", node)
    else:
        yield from ((name, node, "changed", False) for name in _root(target))


def _symbols(value: ast.expr) -> list[ast.expr]:
    """``sp.symbols("a b", …)`` as one call a symbol, so that each is a definition of its own."""
    if not (isinstance(value, ast.Call) and value.args and _name(value.func) == "symbols"):
        return []
    first = value.args[0]
    if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
        return []
    names = re.split(r"[\s,]+", first.value.strip())
    return [ast.Call(value.func, [ast.Constant(n)], value.keywords) for n in names]


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _own_names(node: ast.AST) -> Iterator[str]:
    """The names that a function or comprehension binds, in the order in which they stand."""
    for part in ast.walk(node):
        if isinstance(part, ast.arg):
            yield part.arg
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _free(node: ast.AST) -> set[str]:
    """The names that ``node`` reads, without those that its own scopes bind."""
    inner = [_free(child) for child in ast.iter_child_nodes(node)]
    names = set().union(*inner)
    if isinstance(node, ast.Name):
        names.add(node.id)
    return names - set(_own_names(node)) if isinstance(node, _SCOPES) else names


def _plain(node: ast.AST) -> ast.AST:
    """An expression without what only rewrites it: x for ``sp.expand(x)`` and ``x.doit()``."""
    while isinstance(node, ast.Call) and (name := _name(node.func)):
        method = isinstance(node.func, ast.Attribute) and not is_module(node.func.value)
        if _REWRITES.fullmatch(name) and method and not node.args:
            node = node.func.value  # type: ignore[attr-defined]
        elif _REWRITES.fullmatch(name) and not method and node.args:
            node = node.args[0]
        elif name in _CARRIED_OUT:
            before = [node.func.value] if method else []  # type: ignore[attr-defined]
            function = ast.Name(_CARRIED_OUT[name], ast.Load())
            return ast.Call(function, [*before, *node.args], node.keywords)
        elif name in _CARRIED_OUT.values() and isinstance(node.func, ast.Attribute):
            return ast.Call(ast.Name(name, ast.Load()), node.args, node.keywords)
        else:
            break
    return node


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def is_module(node: ast.expr) -> bool:
    """Whether an expression is one of the modules that the book imports under these names."""
    return isinstance(node, ast.Name) and node.id in ("sp", "sympy", "np", "numpy", "torch", "math")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
