"""The directive ``{paper-dictionary}``: the table of the page *Notation*, made from its rows.

The rows live in :mod:`genbook.papers`, where a test evaluates both columns of each; this module
only writes them as a Markdown table, grouped by paper.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from genbook.papers import ROWS, Row

__all__ = ["PaperDictionary", "markdown", "setup"]


def _line(row: Row, first: bool) -> str:
    paper = f"{{cite:t}}`{row.paper}`" if first else ""
    formulas = [f"${side}$" for side in row.latex]
    return "| " + " | ".join([paper, row.what, *formulas, row.note]) + " |"


def markdown() -> list[str]:
    """The dictionary as the lines of a Markdown table."""
    lines = ["| Paper | Quantity | In the paper | In this book | Watch |", "|---|---|---|---|---|"]
    previous = ""
    for row in ROWS:
        lines.append(_line(row, first=row.paper != previous))
        previous = row.paper
    return lines


class PaperDictionary(SphinxDirective):
    """Renders :data:`genbook.papers.ROWS` as a table."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        source, line = self.get_source_info()
        container = nodes.container(classes=["paper-dictionary"])
        self.state.nested_parse(StringList(markdown(), source=source), line or 0, container)
        return [container]


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directive with Sphinx."""
    app.add_directive("paper-dictionary", PaperDictionary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
