"""Derivation: from the text of a slug to the notebooks that belong to it.

What is source-determined (markdown, code, metadata, ids) is built anew each time; what was executed
(outputs, counts) is carried over from the stored notebook as long as its digest is the same.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from nbformat import NotebookNode

from coursekit import exercises, folding, outputs
from coursekit.calls import verify_calls
from coursekit.checked import checked_ids
from coursekit.digest import digest
from coursekit.hand_cell import code_of
from coursekit.lower import Lowered, lower
from coursekit.project import Project
from coursekit.references import Book
from coursekit.setup_cell import setup_cell
from coursekit.source import ROOMS, Source, SourceError, read
from coursekit.strip import strip
from coursekit.times import BUDGET

Room = Literal["book", "solutions", "exercises"]


@dataclass(frozen=True)
class Derived:
    """A notebook as derived from its source.

    Attributes:
        room, slug: where it belongs.
        path: the file it is written to.
        source: the text it comes from.
        notebook: without outputs until ``carry`` or an execution gives it some.
        lines: from the id of each cell that was written to its first line in the source.
        limit_kb: how large the file may become.
    """

    room: Room
    slug: str
    path: Path
    source: Source
    notebook: NotebookNode
    lines: dict[str, int]
    limit_kb: int

    @property
    def key(self) -> str:
        """``book/ddim``: its name in tables and in ``times.json``."""
        return f"{self.room}/{self.slug}"

    @property
    def executed(self) -> bool:
        """Whether this notebook is stored with outputs; exercises are not."""
        return self.room != "exercises"

    @property
    def digest(self) -> str:
        """The digest its outputs must belong to."""
        return str(self.notebook.metadata.genbook.digest)

    def line(self, index: int, offset: int = 1) -> int:
        """The line of the source that line ``offset`` of notebook cell ``index`` comes from."""
        cell = self.notebook.cells[index]
        first = self.lines.get(cell.id)
        if first is None:
            return 1
        # The title of a folded cell stands on no line of the source.
        return max(first, first + offset - 1 - folding.is_folded(cell))


def derive(project: Project, book: Book, slug: str) -> list[Derived]:
    """All notebooks of ``slug`` whose source exists: the chapter, the solutions, the exercises.

    Raises:
        SourceError: anything wrong in the text, with file and line.
    """
    found: list[Derived] = []
    texts = {room: _read(path, room) for room, path in project.sources(slug).items()}
    if "book" in texts:
        found.append(_build(project, book, "book", slug, texts["book"]))
    if "solutions" in texts:
        questions = exercises.registry(slug)
        sheet = exercises.prepare(texts["solutions"], questions)
        blank = strip(sheet)
        found.append(_build(project, book, "solutions", slug, sheet, questions, blank))
        found.append(_build(project, book, "exercises", slug, blank, questions))
    return found


def digest_of(project: Project, source: Source) -> str:
    """The digest that the outputs of ``source`` must belong to."""
    return digest(code_of(source), project.root / "src" / "genbook", source.slug)


def carry(derived: Derived) -> bool:
    """Give ``derived`` the stored outputs that still belong to it.

    Returns:
        Whether it needs no execution: every code cell has been executed under the same digest.
    """
    if not derived.executed:
        return True
    old = stored(derived.path)
    if old is None or stored_digest(old) != derived.digest:
        return False
    if not outputs.carry(old, derived.notebook):
        return False
    return not unexecuted(derived.notebook)


def unexecuted(notebook: NotebookNode) -> list[int]:
    """Positions of code cells without an execution count."""
    cells = enumerate(notebook.cells)
    return [i for i, cell in cells if cell.cell_type == "code" and cell.execution_count is None]


def stored(path: Path) -> NotebookNode | None:
    """The notebook stored at ``path``; ``None`` where there is none or it cannot be read."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, nbformat.reader.NotJSONError, nbformat.ValidationError):
        return None


def stored_digest(notebook: NotebookNode) -> str | None:
    """The digest that the outputs of a stored notebook belong to."""
    found: str | None = notebook.metadata.get("genbook", {}).get("digest")
    return found


def render(derived: Derived) -> str:
    """The notebook as the text of its file.

    Raises:
        SourceError: the file would be larger than its limit.
    """
    nbformat.validate(derived.notebook)
    text = nbformat.writes(derived.notebook).rstrip("\n") + "\n"
    size = len(text.encode()) / 1024
    if size > derived.limit_kb:
        message = f"the notebook has {size:.0f} KB, the limit is {derived.limit_kb} KB"
        raise SourceError(derived.source.path, 1, f"{message}; {_largest(derived)}")
    return text


def _build(
    project: Project,
    book: Book,
    room: Room,
    slug: str,
    source: Source,
    questions: Sequence[exercises.Question] = (),
    blank: Source | None = None,
) -> Derived:
    """One notebook; ``blank`` is the sheet that students get, where this one has its solutions."""
    lowered = lower(source, book)
    for item in lowered:
        _mark(item, questions)
    if blank is not None:
        _hand_over(lowered, source, blank)
    cells = [item.cell for item in lowered]
    lines = {item.cell.id: item.written.line for item in lowered if item.written}
    first = next((i for i, cell in enumerate(cells) if cell.cell_type == "code"), len(cells))
    cells.insert(first, setup_cell(book.repository))
    kernel = source.header["kernelspec"]
    photos = bool(source.header["genbook"].get("photos", False))
    metadata = {
        "kernelspec": {
            "display_name": kernel.get("display_name", kernel["name"]),
            "language": "python",
            "name": kernel["name"],
        },
        "language_info": {"name": "python"},
        "genbook": {"budget": dict(BUDGET), "source": project.relative(source.path)},
    }
    if room != "exercises":
        metadata["genbook"]["digest"] = digest_of(project, source)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    notebook.nbformat_minor = 5
    limit = outputs.LIMIT_KB_PHOTOS if photos else outputs.LIMIT_KB
    return Derived(room, slug, project.notebook(room, slug), source, notebook, lines, limit)


def _mark(lowered: Lowered, questions: Sequence[exercises.Question]) -> None:
    """Give a cell what nbval and nbgrader must know of it."""
    cell, written = lowered.cell, lowered.written
    if cell.cell_type == "code":
        trained = {question.id for question in questions if question.training is not None}
        cell.metadata["tags"] = _notebook_tags(cell.source, cell.metadata.get("tags", []), trained)
    if written is not None and written.role:
        question = next(entry for entry in questions if entry.id == written.question)
        cell.metadata["nbgrader"] = exercises.nbgrader(written.role, question)


def _hand_over(lowered: Sequence[Lowered], source: Source, blank: Source) -> None:
    """Give each answer's cell the code that students get for it (``genbook.given``).

    nbgrader, told so by ``solutions/nbgrader_config.py``, hands that out. By itself it knows no
    code to repair and would leave it in comments.
    """
    start = {
        cell.question: given.text
        for cell, given in zip(source.cells, blank.cells, strict=True)
        if cell.role == "answer"
    }
    for item in lowered:
        if item.written is not None and item.written.role == "answer":
            item.cell.metadata["genbook"]["given"] = start[item.written.question]


def _notebook_tags(code: str, tags: list[str], trained: set[str]) -> list[str]:
    """Tags for nbval in place of the author's: compared only where the output is reproducible.

    ``trained`` are the questions whose check shows weights: those differ between machines.
    """
    kept = [tag for tag in tags if tag != "check-output"]
    compared = "check-output" in tags or _verifies(code, trained)
    return [*kept, "nbval-check-output" if compared else "nbval-ignore-output"]


def _verifies(code: str, trained: set[str]) -> bool:
    checked = set(checked_ids(code))
    return bool(verify_calls(code) or checked - trained)


def _read(path: Path, room: str) -> Source:
    """The text of a notebook of ``room`` whose kernel exists and whose cells are Python.

    What cannot run fails here, before anything runs.
    """
    source = read(path)
    if ROOMS[source.kind] != room:
        raise SourceError(path, 1, f"a {source.kind} lies in {ROOMS[source.kind]}/, not in {room}/")
    kernel = source.header["kernelspec"]["name"]
    if kernel not in _kernels():
        lines = path.read_text(encoding="utf-8").splitlines()
        line = next(i for i, text in enumerate(lines, 1) if text.startswith("kernelspec"))
        known = ", ".join(sorted(_kernels()))
        raise SourceError(path, line, f"no kernel '{kernel}' is installed, only {known}")
    for cell in source.cells:
        if cell.kind != "code":
            continue
        if not cell.text.strip():
            raise SourceError(source.path, cell.line, "an empty code cell")
        try:
            ast.parse(cell.text)
        except SyntaxError as error:
            line = cell.line + (error.lineno or 1) - 1
            hint = " (the book uses no IPython magics)" if cell.text.lstrip()[0] in "%!" else ""
            raise SourceError(source.path, line, f"no valid Python: {error.msg}{hint}") from None
    return source


@cache
def _kernels() -> frozenset[str]:
    return frozenset(KernelSpecManager().find_kernel_specs())


def _largest(derived: Derived) -> str:
    """Which cell to look at first."""
    sizes = [
        (len(nbformat.from_dict(cell).__repr__()), index)
        for index, cell in enumerate(derived.notebook.cells)
        if cell.cell_type == "code"
    ]
    size, index = max(sizes)
    return f"the largest cell, at line {derived.line(index)}, has {size / 1024:.0f} KB"
