"""The lines that checks print, as an executed notebook stores them.

A check counts when its line was printed, never by being present in the source: a check below
``if False``, in a function that nobody calls, or whose failure is swallowed prints nothing. A line
begins with the label; where it is wider than a page it goes on in lines with two spaces before.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from coursekit import folding
from coursekit.calls import verify_calls

_FIRST = re.compile(r"(?P<label>(?:eq|claim)-[a-z0-9_-]+) ✓(?: (?P<rest>.*))?")
_MORE = re.compile(r"  \S.*")
# How a line of each method goes on after its mark.
_WORDS = {
    "identity": ("symbolic",),
    "close": ("numeric",),
    "statistic": ("statistic",),
    "claim": ("measured", "upper end", "lower end"),
}


@dataclass(frozen=True)
class Missing:
    """A check whose line was not printed: the position of its cell, its line there, its label."""

    cell: int
    line: int
    label: str
    reason: str


def lines(text: str) -> Iterator[tuple[str, str]]:
    """Label and line of each check that printed to ``text``; a broken line is joined again."""
    label, found = "", ""
    for line in text.splitlines():
        if label and _MORE.fullmatch(line):
            found += " " + line.strip()
            continue
        if label:
            yield label, found
        match = _FIRST.fullmatch(line)
        label, found = (match["label"], line) if match else ("", "")
    if label:
        yield label, found


def of_notebook(notebook: NotebookNode) -> dict[str, tuple[str, ...]]:
    """The lines that each label's checks printed."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for label, line in lines(_output(cell)):
                found[label] = (*found.get(label, ()), line)
    return found


def method_of(line: str) -> str:
    """How: symbolic, numeric, statistic, or, of a claim, measured; from a printed line."""
    said = line.partition("✓")[2].replace(",", " ").replace(";", " ").split()
    return said[0] if said and said[0] in ("symbolic", "numeric", "statistic") else "measured"


def missing(notebook: NotebookNode) -> list[Missing]:
    """The checks of an executed notebook that did not print their lines, each in its own cell."""
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        printed = Counter(
            (label, method)
            for label, line in lines(_output(cell))
            for method, words in _WORDS.items()
            if line.partition(" ✓ ")[2].startswith(words)
        )
        code = folding.code(cell)
        forged = _forged(code)
        found += [
            Missing(index, line, label, "prints the line of a check itself")
            for label, line in forged
        ]
        for label, method, line in verify_calls(code):
            printed[label or "", method] -= 1
            if label and printed[label, method] < 0:
                reason = "has a check that printed no line when the notebook was executed"
                found.append(Missing(index, line, label, reason))
    return found


def _forged(code: str) -> list[tuple[str, int]]:
    """Strings in code that look like the line of a check."""
    return [
        (match["label"], node.lineno)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for match in [_FIRST.search(node.value)]
        if match
    ]


def _output(cell: NotebookNode) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream")
