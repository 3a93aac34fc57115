"""Solutions taken out: what is left of a sheet is what students open.

Regions of code cells, each between lines of its own, as in nbgrader but for the second:

* ``### BEGIN SOLUTION`` … ``### END SOLUTION`` become ``raise NotImplementedError()``;
* ``### BEGIN GIVEN`` … ``### END GIVEN``, beside a solution, holds lines behind ``# `` that the
  student gets instead of the solution: the code to repair;
* ``### BEGIN HIDDEN TESTS`` … ``### END HIDDEN TESTS`` are taken out.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

from coursekit.source import Cell, Source, SourceError

_MARKER = re.compile(r"^(\s*)### (BEGIN|END) ([A-Z ]+?)\s*$")
_REGIONS = ("SOLUTION", "GIVEN", "HIDDEN TESTS")
_PLACE = "*Write here.*"
_STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


@dataclass(frozen=True)
class _Region:
    """A run of lines of a cell; ``kind`` is empty for lines outside all markers."""

    kind: str
    lines: list[str]
    indent: str
    line: int


def strip(source: Source) -> Source:
    """The prepared sheet without its solutions: what students open.

    Raises:
        SourceError: unbalanced or misplaced markers, or an exercise that is no valid Python.
    """
    cells = []
    for cell in source.cells:
        if cell.role == "manual":
            cell = dataclasses.replace(cell, text=_PLACE)
        elif cell.kind == "code":
            cell = dataclasses.replace(cell, text=strip_code(cell, source.path))
        cells.append(cell)
    return dataclasses.replace(source, cells=cells)


def strip_code(cell: Cell, path: Path) -> str:
    """The code of one cell as the student sees it; see the module's text for the regions.

    Raises:
        SourceError: as :func:`strip`.
    """
    regions = _regions(cell, path)
    kinds = [region.kind for region in regions]
    is_answer = "answer" in cell.metadata.get("tags", [])
    if is_answer != ("SOLUTION" in kinds):
        wanted = (
            "needs a '### BEGIN SOLUTION'" if is_answer else "has a solution but no tag 'answer'"
        )
        raise SourceError(path, cell.line, f"the cell {wanted}")
    lines: list[str] = []
    for index, region in enumerate(regions):
        if not region.kind:
            lines += region.lines
        elif region.kind == "GIVEN":
            if "SOLUTION" not in kinds[max(0, index - 1) : index + 2]:
                raise SourceError(path, region.line, "a GIVEN region stands beside a SOLUTION")
            lines += [_uncomment(line, path, region) for line in region.lines]
        elif region.kind == "SOLUTION" and "GIVEN" not in kinds[max(0, index - 1) : index + 2]:
            lines += [region.indent + text for text in _STUB]
    text = "\n".join(lines)
    try:
        ast.parse(text)
    except SyntaxError as error:
        message = f"without its solution the cell is no valid Python: {error.msg}"
        raise SourceError(path, cell.line, message) from None
    return text


def solved_code(cell: Cell, path: Path) -> str:
    """The code of an answer as a reader of the solution sees it: without markers or given code.

    Raises:
        SourceError: unbalanced or misplaced markers.
    """
    kept = [region for region in _regions(cell, path) if region.kind in ("", "SOLUTION")]
    return "\n".join(line for region in kept for line in region.lines)


def _regions(cell: Cell, path: Path) -> list[_Region]:
    """The cell cut at its markers."""
    found: list[_Region] = []
    plain: list[str] = []
    inside: _Region | None = None
    for number, line in enumerate(cell.text.split("\n"), cell.line):
        match = _MARKER.match(line)
        if match is None:
            (inside.lines if inside else plain).append(line)
            continue
        indent, edge, kind = match.groups()
        if kind not in _REGIONS:
            raise SourceError(
                path, number, f"unknown marker '{line.strip()}': use one of {_REGIONS}"
            )
        if edge == "BEGIN" and inside is None:
            if any(text.strip() for text in plain):
                found.append(_Region("", plain, "", number))
            plain, inside = [], _Region(kind, [], indent, number)
        elif edge == "END" and inside is not None and inside.kind == kind:
            found.append(inside)
            inside = None
        else:
            raise SourceError(path, number, f"'{line.strip()}' does not match the marker before it")
    if inside is not None:
        raise SourceError(path, inside.line, f"'### BEGIN {inside.kind}' has no end")
    return [*found, _Region("", plain, "", cell.line)] if plain else found


def _uncomment(line: str, path: Path, region: _Region) -> str:
    match = re.match(r"^(\s*)#(?: |$)(.*)$", line)
    if match is None:
        if line.strip():
            raise SourceError(path, region.line, f"a GIVEN line does not begin with '# ': {line!r}")
        return ""
    return (match[1] + match[2]).rstrip()
