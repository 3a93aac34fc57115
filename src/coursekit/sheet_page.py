"""The page of an exercise sheet: what students start from is open, what answers it is folded.

Its source is the sheet with its solutions, executed. Where a reader meets a question, the page
shows the code of the student's notebook (``coursekit.strip`` makes both) and how to check it. One
fold below holds the solution and what the check says of it. Whatever a later cell of the question
printed with the solution's help is folded as well, and so is the model answer of a question in
words. The folds are ``details``: they need no script.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode

from coursekit import exercises
from coursekit.source import Cell, SourceError, read
from coursekit.strip import solved_code, strip


def present(doctree: nodes.document, path: Path) -> None:
    """Turn the page of the sheet at ``path`` into what a reader is to see first.

    Raises:
        SourceError: the sheet is none, or the page has not the cells of its source.
    """
    source = read(path)
    sheet = exercises.prepare(source, exercises.registry(source.slug))
    given = strip(sheet)
    nodes_of_cells = [
        node for node in doctree.findall(nodes.container) if node.get("nb_element") == "cell_code"
    ]
    wanted = sum(cell.kind == "code" for cell in sheet.cells)
    if len(nodes_of_cells) != wanted:
        raise SourceError(path, 1, f"the page shows {len(nodes_of_cells)} code cells of {wanted}")
    shown = iter(nodes_of_cells)
    solution: HideCodeCellNode | None = None
    for cell, start in zip(sheet.cells, given.cells, strict=True):
        if cell.kind == "markdown":
            if exercises.opens(cell):  # a question that nobody has answered yet
                solution = None
            continue
        node = next(shown)
        if cell.role == "answer":
            solution = _solution(node, cell, path)
        elif cell.role == "check" and solution is not None:
            solution.extend(_taken_outputs(node))
            node.parent.insert(node.parent.index(node) + 1, _cell(solution))
        elif solution is not None:
            _fold_result(node)
        _write(node[0], start.text)
    for note in list(doctree.findall(nodes.admonition)):
        if "dropdown" in note["classes"]:
            note.parent.replace(note, _cell(_model_answer(note)))


def _solution(node: nodes.container, cell: Cell, path: Path) -> HideCodeCellNode:
    """The fold with an answer's solution and outputs, not yet on the page."""
    fold = _fold("Show the solution", "Hide the solution")
    fold["classes"].append("gb-solution")
    code = node[0].deepcopy()
    _write(code, solved_code(cell, path))
    fold += code
    fold.extend(_taken_outputs(node))
    return fold


def _taken_outputs(node: nodes.container) -> list[nodes.Node]:
    """The outputs of a cell, taken out of it."""
    outputs = [child for child in node.children if child.get("nb_element") == "cell_code_output"]
    for output in outputs:
        node.remove(output)
    return outputs


def _fold_result(node: nodes.container) -> None:
    """Fold what a cell gives after the solution, and its code where the author has folded that."""
    node["hide_mode"] = "all" if node.get("hide_mode") in ("input", "all") else "output"
    node["prompt_show"], node["prompt_hide"] = "Show the result", "Hide the result"


def _write(code: nodes.Element, text: str) -> None:
    """Put other code into the input of a cell; the language stays."""
    for block in code.findall(nodes.literal_block):
        block.rawsource = text
        block.children = []
        block += nodes.Text(text)


def _model_answer(note: nodes.admonition) -> HideCodeCellNode:
    """A folded admonition as ``details``: the theme would fold it by a script."""
    title, *body = note.children
    show = hide = title.astext()
    if body and body[0].astext() == "Your answer":  # the place where a student writes
        show, hide, body = "Show a model answer", "Hide the model answer", body[1:]
    fold = _fold(show, hide)
    fold.extend(body)
    return fold


def _fold(show: str, hide: str) -> HideCodeCellNode:
    return HideCodeCellNode(prompt_show=show, prompt_hide=hide, classes=["above-input"])


def _cell(fold: HideCodeCellNode) -> nodes.container:
    """A fold in the box that the theme's rules for folds expect."""
    return nodes.container("", fold, classes=["cell", "gb-fold"])
