"""The digest of a notebook: a hash of everything that can change its outputs.

That is the code cells with their tags, the modules of :mod:`genbook` that they import (directly or
through each other, found by reading the code and never by running it), and the weights files those
name, with their cards. Comments and docstrings of the package may be improved without executing a
notebook again.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

_PACKAGE = "genbook"


def digest(cells: Iterable[tuple[str, Iterable[str]]], package: Path, slug: str) -> str:
    """The digest of a notebook.

    Args:
        cells: source and tags of every code cell, in order.
        package: the folder ``src/genbook``; it may be missing.
        slug: the chapter; its entries of the registry of checks count when ``genbook.checks`` does.

    Returns:
        64 hexadecimal digits (SHA-256).

    Raises:
        SyntaxError: a cell or an imported module is no valid Python.
    """
    listed = [(source, sorted(tags)) for source, tags in cells]
    trees = [ast.parse(source) for source, _ in listed]
    modules = imported_modules(trees, package, slug)
    sha = hashlib.sha256()
    for source, tags in listed:
        sha.update(f"cell\0{source}\0{','.join(tags)}\0".encode())
    for name in sorted(modules):
        sha.update(f"module\0{name}\0{_module_text(modules[name])}\0".encode())
    if f"{_PACKAGE}.weights" in modules:
        trees += [_parse(path) for path in modules.values()]
        for path in _named_weights(trees, package / "weights"):
            for file in (path, path.with_suffix(".json")):
                sha.update(f"weights\0{file.name}\0{_file_hash(file)}\0".encode())
    return sha.hexdigest()


def imported_modules(trees: Iterable[ast.AST], package: Path, slug: str) -> dict[str, Path]:
    """Modules of the package that ``trees`` import, transitively.

    Returns:
        Dotted names and files; ``import genbook.nn`` counts ``genbook`` as well.
    """
    found: dict[str, Path] = {}
    queue = [name for tree in trees for name in _imports(tree, None)]
    while queue:
        name = queue.pop()
        path = _module_path(name, package)
        if name in found or path is None:
            continue
        found[name] = path
        queue += _imports(_parse(path), name if path.name == "__init__.py" else _parent(name))
        queue.append(_parent(name))
        if name == f"{_PACKAGE}.checks":  # the registry imports its chapters by name, at run time
            queue.append(f"{name}.{slug}")
    return found


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
    """``tree`` itself, with the docstrings of modules, classes and functions removed."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def _imports(tree: ast.AST, package: str | None) -> Iterator[str]:
    """Dotted names below genbook that ``tree`` imports; relative ones start from ``package``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and package:
                anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*anchor, base] if base else anchor)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == _PACKAGE)


def _parent(name: str) -> str:
    return name.rpartition(".")[0]


def _module_path(name: str, package: Path) -> Path | None:
    parts = name.split(".")[1:] if name else None
    if parts is None:
        return None
    base = package.joinpath(*parts)
    if (base / "__init__.py").is_file():
        return base / "__init__.py"
    return base.with_suffix(".py") if parts and base.with_suffix(".py").is_file() else None


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _module_text(path: Path) -> str:
    return canonical(without_docstrings(_parse(path)))


def _named_weights(trees: Iterable[ast.AST], folder: Path) -> list[Path]:
    """The weights whose name is written in ``trees``; all of them where none is."""
    files = sorted(folder.glob("*.safetensors"))
    words = {
        node.value
        for tree in trees
        for node in ast.walk(without_docstrings(tree))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return [path for path in files if path.stem in words] or files


@lru_cache(maxsize=64)
def _hash_of(path: Path, size: int, modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _file_hash(path: Path) -> str:
    if not path.is_file():
        return "missing"
    stat = path.stat()
    return _hash_of(path, stat.st_size, stat.st_mtime_ns)
