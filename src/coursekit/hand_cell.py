"""The cell below an explorable's picture in a notebook: with it a kernel takes the figure in hand.

The page has no such cell; there the figure itself answers. It is generated where the text has an
``{explorable}``, and it shows ``genbook.hands``. A live widget means nothing to a reader without a
kernel, so nothing is stored of it: the picture stands above, the first line says what to do.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from coursekit.source import Cell, Source, SourceError, blocks, directive

TAG = "genbook-hand"
_INSIDE = re.compile(r"^[\s>]*(?:`{3,}|:{3,})\{explorable\}", re.MULTILINE)


def code(name: str) -> str:
    """What the cell of an explorable runs."""
    return (
        "# Run this cell to take the figure above in hand.\n"
        "from genbook import hands\n\n"
        f'hands.show("{name}")'
    )


def hand_cell(name: str) -> NotebookNode:
    """The cell of an explorable."""
    return nbformat.v4.new_code_cell(code(name), metadata={"tags": [TAG]})


def is_hand(cell: NotebookNode) -> bool:
    """Whether ``cell`` is the generated cell of an explorable."""
    return TAG in cell.metadata.get("tags", [])


def explorables_of(cell: Cell, path: Path) -> list[tuple[str, int]]:
    """The explorables of a markdown cell in order, each with the number of lines up to its end.

    Raises:
        SourceError: one stands inside another block, where no cell can follow it.
    """
    found: list[tuple[str, int]] = []
    if "{explorable}" not in cell.text:
        return found
    for token in blocks(cell.text, path, cell.line):
        if token.type not in ("fence", "colon_fence") or token.map is None:
            continue
        block = directive(token, path, cell.line)
        if block is None:
            continue
        outside = block.name == "explorable"
        if (outside and token.level) or (not outside and _INSIDE.search(token.content)):
            message = "an explorable stands by itself, inside of no other block"
            raise SourceError(path, block.line, message)
        if outside:
            found.append((block.argument, token.map[1]))
    return found


def code_of(source: Source) -> list[tuple[str, list[str]]]:
    """All code of a notebook with its tags, in order: what is written, and its hands' cells."""
    found: list[tuple[str, list[str]]] = []
    for cell in source.cells:
        if cell.kind == "code":
            found.append((cell.text, cell.metadata.get("tags", [])))
        else:
            found += [(code(name), []) for name, _ in explorables_of(cell, source.path)]
    return found
