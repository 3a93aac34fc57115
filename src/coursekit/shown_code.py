"""Code on the site: methods stand at the margin, and the imports that open a page fold."""

from __future__ import annotations

import ast
from itertools import takewhile
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.directives.code import LiteralInclude

from coursekit.page import read

_FEW = 3  # so many lines of imports are no wall


class DedentedInclude(LiteralInclude):
    """``{literalinclude}`` whose methods begin at the margin without being told to."""

    def run(self) -> list[nodes.Node]:
        """Sphinx's directive with ``:dedent:`` for ``:pyobject: Class.method``."""
        if "." in self.options.get("pyobject", ""):
            self.options.setdefault("dedent", None)
        return super().run()


def fold_imports(app: Sphinx, doctree: nodes.document) -> None:
    """Fold the imports of a chapter or a sheet: those that open its first cell with a wall."""
    if read(Path(app.env.doc2path(app.env.docname)), app.env.docname) is None:
        return
    for cell in doctree.findall(lambda n: _is(n, "cell_code") and not n.get("hide_mode")):
        block = next(iter(cell.findall(nodes.literal_block)), None)
        wall = 0 if block is None else wall_of_imports(block.astext())
        if wall:
            _fold(cell, block, wall)
            return


def wall_of_imports(code: str) -> int:
    """The number of lines that a wall of imports takes at the beginning; 0 if there is none."""
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return 0
    imports = list(takewhile(lambda s: isinstance(s, ast.Import | ast.ImportFrom), statements))
    return imports[-1].end_lineno or 0 if len(imports) > _FEW else 0


def _fold(cell: nodes.Element, block: nodes.literal_block, wall: int) -> None:
    """Put the first ``wall`` lines into a folded cell of their own, before the rest."""
    lines = block.astext().split("\n")
    before, rest = "\n".join(lines[:wall]), "\n".join(lines[wall:]).strip("\n")
    folded = cell
    if rest:
        folded = cell.deepcopy()
        for output in [n for n in folded.children if not _is(n, "cell_code_source")]:
            folded.remove(output)
        cell.parent.insert(cell.parent.index(cell), folded)
        _write(block, rest)
    _write(next(iter(folded.findall(nodes.literal_block))), before)
    folded["hide_mode"] = "input"
    folded["prompt_show"] = "Show the imports"
    folded["prompt_hide"] = "Hide the imports"


def _write(block: nodes.literal_block, code: str) -> None:
    block.rawsource = code
    block.children = []
    block += nodes.Text(code)


def _is(node: nodes.Node, element: str) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == element


def connect(app: Sphinx) -> None:
    """Register with Sphinx; called by ``coursekit.sphinx_ext.setup``."""
    app.add_directive("literalinclude", DedentedInclude, override=True)
    app.connect("doctree-read", fold_imports)
