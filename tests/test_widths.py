"""Code and outputs fit the page: at most 88 characters, so that nothing scrolls sideways."""

import ast
import re
import textwrap
from pathlib import Path

import nbformat
import pytest

from coursekit.shown_code import wall_of_imports

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "book").glob("*.md"), *(ROOT / "solutions").glob("*.md")])
MOST = 88

CELL = re.compile(
    r"^```\{code-cell\} ipython3\n(?:---\n.*?\n---\n|(?::[\w-]+:[^\n]*\n)+)?(.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
INCLUDE = re.compile(r"^```\{literalinclude\} (\S+)\n((?::[^\n]*\n)*)", re.MULTILINE)


def shown(page):
    """The code that a page shows: its cells, and what it takes from the package."""
    text = page.read_text(encoding="utf-8")
    yield from (found[1] for found in CELL.finditer(text))
    for found in INCLUDE.finditer(text):
        code = (page.parent / found[1]).read_text(encoding="utf-8")
        name = re.search(r":pyobject: (\S+)", found[2])
        yield taken(code, name[1]) if name else code


def taken(code, name):
    """The source of a function or method, as Sphinx takes it."""
    nodes = ast.parse(code).body
    for part in name.split("."):
        node = next(n for n in nodes if getattr(n, "name", None) == part)
        nodes = node.body
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return textwrap.dedent("\n".join(code.split("\n")[first - 1 : node.end_lineno]))


def too_wide(text):
    return [line for line in text.split("\n") if len(line) > MOST]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_code_fits_the_page(page):
    assert [line for code in shown(page) for line in too_wide(code)] == []


def test_what_is_shown_is_found():
    code = "class A:\n    @property\n    def b(self):\n        return 1\n"
    assert taken(code, "A.b") == "@property\ndef b(self):\n    return 1"
    assert CELL.search("```{code-cell} ipython3\n:tags: [x]\n\na = 1\n```\n")[1].strip() == "a = 1"
    assert too_wide("x" * 88) == [] and too_wide("x" * 89) != []


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "book").glob("*.ipynb"), *(ROOT / "solutions").glob("*.ipynb")]),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_outputs_fit_the_page(path):
    wide = []
    for cell in nbformat.read(path, 4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if set(data) - {"text/plain"}:
                continue  # a figure or a table is shown, not its words
            wide += too_wide(output.get("text", data.get("text/plain", "")))
    assert wide == []


def test_a_wall_of_imports_is_more_than_a_few():
    wall = "import a\nimport b\nimport c\nfrom d import (\n    e,\n)\n"
    assert wall_of_imports(f"{wall}\nx = 1\n") == 6
    assert wall_of_imports("import a\nx = 1") == 0
    assert wall_of_imports("%matplotlib inline") == 0
