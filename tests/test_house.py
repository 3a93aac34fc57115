"""What holds for every module of the house, whichever chapter it belongs to."""

from __future__ import annotations

import ast
import re
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


def docstrings(name: str) -> Iterator[tuple[int, str]]:
    """The line and the text of every docstring of a module, attributes' included."""
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                text = child.value.value
                if isinstance(text, str):
                    yield child.lineno, text


RELATION = "[=≤≥≈∝≡≠<>∈→⇒↦~+−·×/∘∪∩]"
BROKEN = {
    "a line begins with an operator": re.compile(rf"(?<=\S)\n[ \t]*{RELATION}[ \t]"),
    "a line ends with an operator": re.compile(rf"(?:^|\s){RELATION}\n(?=[ \t]*\S)"),
    "LaTeX goes over two lines": re.compile(r"\$[^$\n]*\n[^$]*\$"),
    "code goes over two lines": re.compile(r"(?<!`)``[^`\n]+\n[^`]*``(?!`)"),
}


def broken(text: str) -> list[str]:
    """Where a formula of a docstring is cut by the end of a line, and what says so.

    LaTeX and code are counted off first: between two of them there is prose, not a formula.
    """
    text = re.sub(r"(?m)^\s*(>>>|\.\.\.) .*$", "", text)  # examples are Python
    found = []
    for reason, pattern in BROKEN.items():
        plain = text
        if "LaTeX" in reason or "code" in reason:
            plain = re.sub(r"\$[^$\n]+\$|``[^`\n]+``", "", text)
        found += [f"{reason}: {match[0]!r}" for match in pattern.finditer(plain)]
    return found


@pytest.mark.parametrize(
    "text",
    [
        "The rates are\n\n    a_t = √ᾱ_t,    α_t\n    = 1 − β_t.",
        "Pictures: background + Σ mask (colour −\nbackground).",
        "$a - D\n    + \\log b$ of both.",
        "Either $a\nb$, or $c$.",
        "The loss |x −\n    y|² of them.",
        "It is ``a +\n    b`` here.",
        "f(x) = a\n    · b",
    ],
)
def test_a_formula_that_a_line_cuts_is_found(text: str) -> None:
    assert broken(text)


@pytest.mark.parametrize(
    "text",
    [
        "Two chains:\n\n    x_t = a_t x_0 + b_t eps,\n    a_t = √ᾱ_t.",
        "* one $a$ of\n* two, a − b,\n  and $c$\n- three",
        "From ``a`` on\nto ``b``; costs $c$ and\n$d$.",
        ">>> a = 1\n>>> b = (2 +\n... 3)",
        "A rule — with a dash —\nand words - more\nwords.",
    ],
)
def test_lists_sentences_and_whole_formulas_are_none(text: str) -> None:
    assert broken(text) == []


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("genbook")])
def test_no_docstring_has_a_formula_cut_in_two(name: str) -> None:
    """The API page joins lines, and a reader of the source looks for the other half."""
    found = [f"{name}:{line}: {why}" for line, text in docstrings(name) for why in broken(text)]
    assert found == []


# Whose docstrings are read elsewhere than on the API page.
OTHER_DIALECT = ("coursekit.grading.cli",)  # it is what ``--help`` prints


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith(OTHER_DIALECT)])
def test_docstrings_write_code_between_double_backticks(name: str) -> None:
    """Single ones are a citation in reStructuredText, which the API page would set in italics."""
    single = re.compile(r"(?<![`:\w\\])`(?!`)[^`]+`(?![`_])")
    found = [
        f"{name}:{line}: {match[0]}"
        for line, text in docstrings(name)
        for match in single.finditer(re.sub(r"(`{2,}).+?\1", "", text, flags=re.DOTALL))
    ]
    assert found == []
