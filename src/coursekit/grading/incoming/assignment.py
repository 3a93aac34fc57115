"""An assignment: the sheet that students were given, cell by cell, and its questions."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nbformat

from coursekit.checked import checked_ids
from coursekit.project import CourseError, Project
from genbook.checks import Question, questions, slugs

__all__ = ["Assignment", "Given", "names_defined", "names_used", "normal", "solved", "strings"]

_HEADING = re.compile(r"^## Question \d+ · (.+) \(\d+ points?\)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Given:
    """A cell of the sheet. ``role``: "text", "code", "setup", "answer", "check" or "manual"."""

    role: str
    source: str
    question: str = ""
    cell_id: str = ""
    grade_id: str = ""


@dataclass(frozen=True)
class Assignment:
    """What is graded: the questions of a sheet, in order, and the cells around them.

    ``private`` are the ids of questions that an instructor added or replaced.
    """

    slug: str
    cells: tuple[Given, ...]
    questions: tuple[Question, ...]
    titles: dict[str, str]
    private: frozenset[str] = frozenset()

    @classmethod
    def load(cls, project: Project, slug: str, private: Path | None = None) -> Assignment:
        """The sheet ``exercises/<slug>.ipynb`` and the registry's questions for it.

        Args:
            private: a Python file with a list ``QUESTIONS``. An entry with the id of a question of
                the sheet replaces it; any other is asked in addition, about a function of its name.

        Raises:
            CourseError: no such sheet, or a private file that cannot be used.
        """
        path = project.notebook("exercises", slug)
        if slug not in slugs() or not path.is_file():
            known = ", ".join(name for name in project.slugs() if name in slugs())
            raise CourseError(f"no assignment {slug!r}; there are {known}")
        notebook = nbformat.read(path, as_version=4)
        cells = tuple(_given(cell) for cell in notebook.cells)
        asked = list(questions(slug))
        titles = _titles(cells, asked)
        added = _private(private) if private else []
        for entry in added:
            places = [i for i, known in enumerate(asked) if known.id == entry.id]
            if places:
                asked[places[0]] = entry
            else:
                asked.append(entry)
            titles.setdefault(entry.id, entry.name)
        ids = frozenset(entry.id for entry in added)
        return cls(slug, cells, tuple(asked), titles, ids)

    @cached_property
    def by_id(self) -> dict[str, Question]:
        """The questions by their ids."""
        return {question.id: question for question in self.questions}

    @cached_property
    def names(self) -> dict[str, str]:
        """From the name that a student defines to the id of the question that calls it.

        A person marks a manual question, and a training question is judged by its weights.
        """
        asked = (q for q in self.questions if not q.manual and q.training is None)
        return {question.name: question.id for question in asked}

    @cached_property
    def known(self) -> frozenset[str]:
        """The normalised sources of the sheet's own cells that are not answers."""
        own = (cell for cell in self.cells if cell.role not in ("answer", "manual"))
        return frozenset(normal(cell.source) for cell in own)

    @cached_property
    def own_words(self) -> frozenset[str]:
        """The lines of the sheet's code cells, and the strings in them."""
        found: set[str] = set()
        for cell in self.cells:
            if cell.role in ("code", "answer", "check", "setup"):
                found |= {line.strip() for line in cell.source.splitlines()}
                with suppress(SyntaxError):
                    found |= set(strings(ast.parse(cell.source)))
        return frozenset(found)

    def stub(self, question_id: str) -> str:
        """What the sheet gives in place of the answer; empty for a private question."""
        found = [c.source for c in self.cells if c.question == question_id and c.role == "answer"]
        return found[0] if found else ""


def solved(
    project: Project, slug: str, answers: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    """The students' sheet with the solutions put in, some of them replaced by ``answers``."""
    sheet, solution = (
        json.loads(project.notebook(room, slug).read_text(encoding="utf-8"))
        for room in ("exercises", "solutions")
    )
    found = {_grade_id(cell): cell for cell in solution["cells"] if _grade_id(cell)}
    notebook = copy.deepcopy(sheet)
    for cell in notebook["cells"]:
        solved_cell = found.get(_grade_id(cell), {})
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            name = _grade_id(cell).removeprefix(f"{slug}-")
            cell["source"] = answers.get(name, solved_cell["source"])
        if cell["cell_type"] == "code":  # a trained network is handed in with its check's output
            cell["outputs"] = solved_cell.get("outputs", [])
    return notebook


def normal(source: str) -> str:
    """A cell's source without what editors change: trailing blanks and empty lines."""
    return "\n".join(line.rstrip() for line in source.split("\n") if line.strip())


def names_defined(tree: ast.AST) -> set[str]:
    """Names that running a module's statements binds at its top level, conditions included."""
    found: set[str] = set()
    todo = list(ast.iter_child_nodes(tree))
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(item.asname or item.name).partition(".")[0] for item in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        todo += ast.iter_child_nodes(node)
    return found


def strings(tree: ast.AST) -> Iterator[str]:
    """All strings anywhere below ``tree``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def names_used(tree: ast.AST) -> set[str]:
    """All names that are read anywhere below ``tree``."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def _given(cell: nbformat.NotebookNode) -> Given:
    data = cell.metadata.get("nbgrader", {})
    asked = cell.metadata.get("genbook", {}).get("question", "")
    if cell.get("id") == "setup":
        role = "setup"
    elif cell.cell_type != "code":
        role = "manual" if data.get("grade") else "text"
    elif data.get("solution"):
        role = "answer"
    elif data.get("grade"):
        role, asked = "check", checked_ids(cell.source)[0]
    else:
        role = "code"
    return Given(role, cell.source, asked, cell.get("id", ""), data.get("grade_id", ""))


def _titles(cells: tuple[Given, ...], asked: list[Question]) -> dict[str, str]:
    """Question number k of the sheet is entry k of the registry; the sheet has its title."""
    headings = [match[1] for cell in cells for match in _HEADING.finditer(cell.source)]
    return {question.id: title for question, title in zip(asked, headings, strict=True)}


def _private(path: Path) -> list[Question]:
    """The questions of a file that is in no package."""
    name = f"private_questions_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise CourseError(f"{path}: not a Python file with a list QUESTIONS")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickling by value looks the module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CourseError(f"{path}: {type(error).__name__}: {error}") from error
    found = getattr(module, "QUESTIONS", None)
    if not isinstance(found, list) or not all(isinstance(entry, Question) for entry in found):
        raise CourseError(f"{path}: needs a list QUESTIONS of genbook.checks.Question")
    return found


def _grade_id(cell: dict[str, Any]) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")
