"""The digest of a notebook: a hash of everything that can change its outputs.

That is the code cells with their tags, the definitions of :mod:`genbook` that they reach by name,
and the weights that those name, with their cards (:mod:`coursekit.dependencies`; found by reading
the code and never by running it). Comments and docstrings of the package may be improved, and
whatever a notebook does not use may be added, without executing it again.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from coursekit.dependencies import Reach, reach
from coursekit.dependencies.modules import Statement


def digest(cells: Iterable[tuple[str, Iterable[str]]], package: Path, slug: str) -> str:
    """The digest of a notebook.

    Args:
        cells: source and tags of every code cell, in order.
        package: the folder ``src/genbook``; it may be missing.
        slug: the chapter; its checks count when the cells use them and name no question.

    Returns:
        64 hexadecimal digits (SHA-256).

    Raises:
        SyntaxError: a cell or an imported module is no valid Python.
    """
    listed = [(source, sorted(tags)) for source, tags in cells]
    found = reach([source for source, _ in listed], package, slug)
    sha = hashlib.sha256()
    for source, tags in listed:
        sha.update(f"cell\0{source}\0{','.join(tags)}\0".encode())
    for link in found.code_links:
        sha.update(f"link\0{link}\0".encode())
    for statement in sorted(found.keys, key=lambda s: (s.module, s.index)):
        sha.update(f"statement\0{statement.module}\0{_text(statement, found)}\0".encode())
    for file in found.files:
        sha.update(f"file\0{file.name}\0{_file_hash(file)}\0".encode())
    return sha.hexdigest()


def canonical(node: object) -> str:
    """``node`` of a syntax tree as text, without positions and without empty fields.

    Unlike :func:`ast.dump` it does not change when a new Python adds a field to a node.
    """
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node))
        inner = (f"{name}={canonical(value)}" for name, value in fields if value not in (None, []))
        # Constant(None) would vanish with the empty fields: the node's type keeps it apart.
        return f"{type(node).__name__}({','.join(inner)})"
    if isinstance(node, list):
        return f"[{','.join(canonical(item) for item in node)}]"
    return repr(node)


def without_docstrings(tree: ast.AST) -> ast.AST:
    """``tree`` itself, without the docstrings of modules, classes, functions and attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [line for line in body if not _is_bare_string(line)]
    return tree


def _is_bare_string(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _text(statement: Statement, found: Reach) -> str:
    """What counts of a statement: its code, or the entries that do, and where its names lead."""
    keys = found.keys[statement]
    if keys is None:
        text = _canonical_of(statement)
    else:
        assert statement.registry is not None
        entries = statement.registry.entries
        chosen = [
            f"{key}: {canonical(value)}" for key, (value, _) in entries.items() if key in keys
        ]
        text = "\n".join([*statement.binds, *chosen])
    return "\n".join([text, *sorted(found.links.get(statement, ()))])


@lru_cache(maxsize=8192)
def _canonical_of(statement: Statement) -> str:
    return canonical(without_docstrings(statement.node))


@lru_cache(maxsize=64)
def _hash_of(path: Path, size: int, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _file_hash(path: Path) -> str:
    if not path.is_file():
        return "missing"
    stat = path.stat()
    return _hash_of(path, stat.st_size, stat.st_mtime_ns)
