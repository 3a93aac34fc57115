"""Dict literals whose entries count one by one: ``NETWORKS = {"UNet": UNet, …}``.

A registry is an assignment to one name of a dict literal with string keys, of registries joined by
``|`` or ``{**A, **B}``, or of their keys (``(*A, *B)``, ``tuple(A)``, ``list(A)``, ``sorted(A)``).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from coursekit.dependencies.code import Code, chain
from coursekit.dependencies.names import read

_KEYS_OF = {"tuple", "list", "sorted", "set", "frozenset"}


@dataclass
class Registry:
    """A dict literal, taken apart.

    Attributes:
        entries: key to the value's tree and what it uses.
        parts: chains of names of the registries that it is made of.
        around: what the rest of the statement, its annotation, uses.
    """

    entries: dict[str, tuple[ast.expr, Code]] = field(default_factory=dict)
    parts: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    around: Code = field(default_factory=Code)

    def add(self, node: ast.expr) -> bool:
        """Take ``node`` in; whether it is of a form that can be taken apart."""
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            return all(self._pair(key, value) for key, value in pairs)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.add(node.left) and self.add(node.right)
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            elements = [e.value for e in node.elts if isinstance(e, ast.Starred)]
            return len(elements) == len(node.elts) and all(map(self._part, elements))
        if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
            known = isinstance(node.func, ast.Name) and node.func.id in _KEYS_OF
            return known and (self._part(node.args[0]) or self.add(node.args[0]))
        return self._part(node)

    def _pair(self, key: ast.expr | None, value: ast.expr) -> bool:
        if key is None:
            return self._part(value)
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return False
        if key.value in self.entries:  # which of the two counts is for Python to say
            return False
        self.entries[key.value] = (value, read([value]))
        return True

    def _part(self, node: ast.expr) -> bool:
        found = chain(node)
        if found is None:
            return False
        self.parts.append(found)
        return True


def registry(node: ast.stmt) -> Registry | None:
    """``node`` taken apart, or ``None`` where it is no registry.

    A name alone (``B = A``) is none: it is an ordinary assignment of what may be anything. Whether
    entries lead to definitions of the package, and parts to registries, is for the caller to see.
    """
    value = getattr(node, "value", None)
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, ast.Assign | ast.AnnAssign) or value is None:
        return None
    if len(targets) != 1 or not isinstance(targets[0], ast.Name) or chain(value):
        return None
    found = Registry()
    if not found.add(value) or not (found.entries or found.parts):
        return None
    if isinstance(node, ast.AnnAssign):
        bare = ast.AnnAssign(node.target, node.annotation, None, node.simple)
        found.around = read([bare])
    return found
