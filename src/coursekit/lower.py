"""Stub with the signatures; the implementation follows.

A lowered code cell has the metadata ``tags`` (as written) and, where the source says
``:question: ddim.step``, ``genbook: {question: "ddim.step"}``; a markdown cell after
``+++ {"question": "ddim.why"}`` likewise. Cell ids: ``<slug>-NN``; a question's answer cell has its id with a dash (``ddim-step``).
"""

from __future__ import annotations

from nbformat import NotebookNode

from coursekit.references import Book
from coursekit.source import Source


def lower(source: Source, book: Book) -> list[NotebookNode]:
    """The cells of a plain notebook (nbformat 4.5) that Colab shows as the site does.

    Raises `coursekit.source.SourceError` with file, line and the markup that cannot be lowered.
    """
    raise NotImplementedError
