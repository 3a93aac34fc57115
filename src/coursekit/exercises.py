"""Exercise sheets: which cell is whose answer or check, agreed with the registry of checks.

A sheet (``solutions/<slug>.md``) has one section a question, headed
``## Question 1 · Title (2 points)``. Section number k is entry k of the registry of checks. The
question is answered in a code cell with the tag ``answer`` and the option ``:question: <id>``, and
tested by the next cell, which calls ``check("<id>", …)``. A question that a human marks has an
admonition of class ``dropdown`` that begins with ``**Your answer**`` instead of the two cells.
Any other cell that uses an answer does so within ``with once_answered("<id>"):``, because students
open a sheet without answers, and "Run all" shall reach its end.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from coursekit.checked import checked_ids
from coursekit.source import Cell, Source, SourceError, blocks, directive

_HEADING = re.compile(r"^## Question (\d+) · (.+) \((\d+) points?\)\s*$", re.MULTILINE)
_QUESTION_LIKE = re.compile(r"^#+\s*Question\b.*$", re.MULTILINE)


class Question(Protocol):
    """What this module needs of an entry of :mod:`genbook.checks`."""

    @property
    def id(self) -> str: ...

    @property
    def points(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def manual(self) -> bool: ...

    @property
    def training(self) -> object | None: ...


def registry(slug: str) -> Sequence[Question]:
    """The questions of a chapter, in the order of its sheet."""
    from genbook import checks  # imports torch, which `coursekit --help` should not wait for

    return checks.questions(slug) if slug in checks.slugs() else []


def prepare(source: Source, questions: Sequence[Question]) -> Source:
    """The sheet with every cell given its part in a question.

    Markdown cells are split around the answers a human marks. A cell's ``role`` is then ``answer``,
    ``check`` or ``manual`` and its ``question`` the id of the registry.

    Raises:
        SourceError: headings, ids, points, names or the order of cells disagree with the registry,
            a question's answer or check is missing, or a cell uses an answer that may be missing.
    """
    cells: list[Cell] = []
    current: Question | None = None
    parts: dict[str, list[str]] = {}
    lines: dict[str, int] = {}
    pieces = [part for whole in source.cells for part in _split(whole, source.path)]
    for position, cell in enumerate(pieces):
        if cell.kind == "markdown" and not cell.role:
            below = pieces[position + 1 :]
            heading = _heading(cell, below, source.path, questions, len(parts))
            if heading is not None:
                current = heading
                parts[heading.id], lines[heading.id] = [], cell.line
            cells.append(cell)
            continue
        role = _role(cell, source.path)
        if role:
            asked = _asked(cell, role, source.path) or (current.id if current else None)
            if current is None or asked != current.id:
                here = f"the section of {current.id}" if current else "no section of a question"
                raise SourceError(source.path, cell.line, f"{asked} is {role}ed in {here}")
            parts[current.id].append(role)
            if role == "answer":
                _refuse_other_name(cell, current, source.path)
            cell = dataclasses.replace(cell, role=role, question=current.id)
        cells.append(cell)
    _refuse_missing(source.path, questions, parts, lines)
    borrowed = {q.name: frozenset([q.id]) for q in questions if not q.manual}
    for cell in cells:
        if cell.kind == "code" and not cell.role:
            borrowed |= _refuse_unguarded(cell, borrowed, source.path)
    return dataclasses.replace(source, cells=cells)


def nbgrader(role: str, question: Question) -> dict[str, object]:
    """nbgrader's metadata (schema 3) of a cell that has ``role`` in ``question``."""
    base = question.id.replace(".", "-")
    graded = role != "answer"
    data: dict[str, object] = {
        "schema_version": 3,
        "grade_id": f"{base}-check" if role == "check" else base,
        "grade": graded,
        "solution": role != "check",
        "locked": role == "check",
        "task": False,
    }
    return {**data, "points": question.points} if graded else data


def _split(cell: Cell, path: Path) -> list[Cell]:
    """A markdown cell cut around its manual answers and before each question's heading."""
    if cell.kind == "code":
        return [cell]
    lines = cell.text.split("\n")
    cuts: list[tuple[int, int, str | None]] = []
    for token in blocks(cell.text, path, cell.line):
        if token.map is None or token.level:
            continue
        if token.type in ("fence", "colon_fence"):
            found = directive(token, path, cell.line)
            if found and found.body.lstrip().startswith("**Your answer**"):
                cuts.append((token.map[0], token.map[1], found.body))
        elif token.type == "heading_open" and _QUESTION_LIKE.match(lines[token.map[0]]):
            cuts.append((token.map[0], token.map[0], None))
    pieces: list[Cell] = []
    start = 0
    for first, end, body in [*cuts, (len(lines), len(lines), None)]:
        text = "\n".join(lines[start:first])
        if text.strip():
            blank = len(text) - len(text.lstrip("\n"))
            pieces.append(Cell("markdown", text.strip("\n"), cell.line + start + blank, {}))
        if body is not None:
            pieces.append(Cell("markdown", body.strip("\n"), cell.line + first, role="manual"))
        start = end
    if pieces:
        pieces[0] = dataclasses.replace(pieces[0], metadata=cell.metadata)
    return pieces


def _heading(
    cell: Cell, below: Sequence[Cell], path: Path, questions: Sequence[Question], before: int
) -> Question | None:
    """The question that ``cell`` opens, checked against the registry; ``below`` is what follows."""
    loose = _QUESTION_LIKE.match(cell.text)
    if loose is None:
        return None
    match = _HEADING.match(cell.text)
    if match is None:
        form = "## Question 1 · Title (2 points)"
        raise SourceError(path, cell.line, f"'{loose[0]}' is not of the form '{form}'")
    number, points = int(match[1]), int(match[3])
    if number != before + 1:
        raise SourceError(path, cell.line, f"question {number} follows question {before}")
    if number > len(questions):
        message = f"the registry genbook.checks has {len(questions)} questions for {path.stem}"
        raise SourceError(path, cell.line, f"{message}, but this is number {number}")
    question = questions[number - 1]
    # First whose section this is: where one question is missing, all else that differs is an echo.
    named = _named(below, path, questions, question)
    if named and question.id not in named:
        message = f"section {number} is {named[0]}; the registry has {question.id} there"
        message += ": QUESTIONS and the sheet must have one order"
        raise SourceError(path, cell.line, message)
    if question.points != points:
        message = f"{question.id} is worth {question.points} points in the registry, {points} here"
        raise SourceError(path, cell.line, message)
    return question


def _named(
    below: Sequence[Cell], path: Path, questions: Sequence[Question], wanted: Question
) -> list[str]:
    """What a section says it is: the ids in its cells; what a human marks has none in its text."""
    section = itertools.takewhile(lambda cell: not opens(cell), below)
    roles = [(cell, role) for cell in section if (role := _role(cell, path))]
    named = [name for cell, role in roles if (name := _asked(cell, role, path))]
    if named or wanted.manual or not roles:
        return named
    manual = [question.id for question in questions if question.manual]
    return manual if len(manual) == 1 else ["marked by a human"]


def opens(cell: Cell) -> bool:
    """Whether a cell begins the section of a question."""
    return cell.kind == "markdown" and not cell.role and bool(_QUESTION_LIKE.match(cell.text))


def _role(cell: Cell, path: Path) -> str:
    if cell.kind == "markdown":
        return cell.role
    if "answer" in cell.metadata.get("tags", []):
        return "answer"
    try:
        ids = checked_ids(cell.text)
    except SyntaxError as error:
        line = cell.line + (error.lineno or 1) - 1
        raise SourceError(path, line, f"no valid Python: {error.msg}") from None
    if len(ids) > 1:
        raise SourceError(path, cell.line, f"one check a cell, please: {', '.join(ids)}")
    return "check" if ids else ""


def _asked(cell: Cell, role: str, path: Path) -> str | None:
    """The id that the cell itself names."""
    if role == "check":
        return checked_ids(cell.text)[0]
    asked = cell.metadata.get("question")
    if role == "answer" and not asked:
        raise SourceError(path, cell.line, "an answer cell needs the option ':question: <id>'")
    return str(asked) if asked else None


def _refuse_other_name(cell: Cell, question: Question, path: Path) -> None:
    try:
        body = ast.parse(cell.text).body
    except SyntaxError as error:
        line = cell.line + (error.lineno or 1) - 1
        raise SourceError(path, line, f"no valid Python: {error.msg}") from None
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    names = [node.name for node in body if isinstance(node, kinds)]
    if question.name not in names:
        message = f"the answer to {question.id} must define '{question.name}', not {names}"
        raise SourceError(path, cell.line, message)


def _refuse_unguarded(
    cell: Cell, borrowed: Mapping[str, frozenset[str]], path: Path
) -> dict[str, frozenset[str]]:
    """A cell may use an answer only ``with once_answered`` of its question.

    Args:
        cell: one that is neither an answer nor a check.
        borrowed: names that use answers when they are called, and of which questions.
        path: of the sheet.

    Returns:
        What it adds to these names: functions that use answers. What is called like an answer and
        bound by the cell itself is another thing.
    """
    tree = ast.parse(cell.text)
    nodes = list(ast.walk(tree))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known = {name: ids for name, ids in borrowed.items() if name not in bound}
    added: dict[str, frozenset[str]] = {}
    todo: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while todo:
        node, met = todo.pop(0)
        if isinstance(node, ast.FunctionDef):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            used = frozenset().union(*(known[name] for name in names if name in known)) - met
            known[node.name] = used
            if node in tree.body:
                added[node.name] = used
            continue
        if isinstance(node, ast.With):
            met |= {name for item in node.items for name in _once_answered(item.context_expr)}
        if isinstance(node, ast.Name) and (lacking := known.get(node.id, frozenset()) - met):
            message = f"this uses {node.id}, which may not be answered: put it into a block"
            ids = ", ".join(f'"{name}"' for name in sorted(lacking))
            line = cell.line + node.lineno - 1
            raise SourceError(path, line, f"{message} 'with once_answered({ids}):'")
        todo += [(child, met) for child in ast.iter_child_nodes(node)]
    return added


def _once_answered(call: ast.expr) -> set[str]:
    """The ids of ``once_answered("<id>", …)``."""
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
        return set()
    if call.func.id != "once_answered":
        return set()
    return {str(arg.value) for arg in call.args if isinstance(arg, ast.Constant)}


def _refuse_missing(
    path: Path,
    questions: Sequence[Question],
    parts: dict[str, list[str]],
    lines: dict[str, int],
) -> None:
    for question in questions:
        if question.id not in parts:
            raise SourceError(path, 1, f"the sheet lacks the registry's question {question.id}")
        wanted = ["manual"] if question.manual else ["answer", "check"]
        if parts[question.id] != wanted:
            message = (
                f"{question.id} needs exactly {wanted} in this order, not {parts[question.id]}"
            )
            raise SourceError(path, lines[question.id], message)
