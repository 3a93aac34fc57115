"""What holds for every module of the house, whichever chapter it belongs to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("genbook", "coursekit")
    for path in sorted((SRC / package).rglob("*.py"))
}
MATHEMATICS = ("torch", "numpy", "scipy", "sympy", "sklearn")


def imports(name: str, lazy: bool = True) -> Iterator[str]:
    """Dotted names that a module imports, with those that its functions import or without."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parts if node.level else []), *filter(None, [node.module])])
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
        elif lazy or not isinstance(node, ast.FunctionDef):
            todo += ast.iter_child_nodes(node)


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("genbook")])
def test_the_books_code_knows_nothing_of_its_tools(name: str) -> None:
    assert [found for found in imports(name) if found.split(".")[0] == "coursekit"] == []


@pytest.mark.parametrize(
    "name",
    [n for n in MODULES if n.startswith("coursekit") and not n.startswith("coursekit.grading")],
)
def test_the_authoring_tools_hold_no_mathematics(name: str) -> None:
    """What they show of the book's mathematics they ask genbook for."""
    assert [found for found in imports(name) if found.split(".")[0] in MATHEMATICS] == []
