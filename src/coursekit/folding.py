"""Proof cells are folded in notebooks as they are on the site.

Jupyter hides the code of a cell whose metadata say ``jupyter.source_hidden``; Colab shows one with
``cellView: form`` as a form, under the title that its first line gives. The line is part of a
derived notebook only: no text has it, and wherever the code of a notebook is compared with that of
a text it does not count.
"""

from __future__ import annotations

from nbformat import NotebookNode

_TITLE = "# @title "


def fold(cell: NotebookNode, title: str) -> None:
    """Fold a code cell under a title of one line."""
    cell.source = f"{_TITLE}{title}\n{cell.source}"
    cell.metadata.update(jupyter={"source_hidden": True}, cellView="form")


def is_folded(cell: NotebookNode) -> bool:
    """Whether the first line of a cell is the title of a form."""
    return bool(cell.source.startswith(_TITLE))


def code(cell: NotebookNode) -> str:
    """The code of a cell as its text has it."""
    return str(cell.source.partition("\n")[2] if is_folded(cell) else cell.source)
