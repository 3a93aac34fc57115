"""Whose answer is what: from each question to the name that the student's answer has."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property

from coursekit.grading.incoming.assignment import Assignment, names_used
from coursekit.grading.incoming.ingest import Cell
from coursekit.grading.incoming.source import classes, functions, is_stub, rebinds

__all__ = ["Code", "align", "last_place"]


@dataclass
class Code:
    """A student's cell that will be run; ``untouched`` if it is as the sheet gave it."""

    cell: Cell
    source: str
    tree: ast.Module
    defined: set[str]
    untouched: bool

    @cached_property
    def used(self) -> set[str]:
        """All names that it reads."""
        return names_used(self.tree)


def align(
    assignment: Assignment, codes: list[Code], called: dict[str, list[str]]
) -> tuple[dict[str, str], list[str]]:
    """The names by question, and what the student should know about them.

    Args:
        called: by question, what the student's own checks were given, as source.
    """
    defined = set().union(*(code.defined for code in codes))
    written = set().union(*(functions(code.tree) for code in codes))
    answered = set().union(*(_finished(code.tree) for code in codes if not code.untouched))
    asked = set(assignment.names)
    found: dict[str, str] = {}
    notes = []
    for name, question_id in assignment.names.items():
        calls = called.get(question_id, [])
        own = [call for call in calls if _is_own(call, defined, asked - {name})]
        candidates: list[set[str]] = [
            {name} & answered & set(calls),  # checked by its name, whatever else was checked
            set(own[-1:]),  # renamed, and this is the student's last word
            {name} & written,
            {name} & defined,  # step = something(…)
            set(_by_ids(assignment, question_id, codes, asked)),
            _by_shape(assignment, question_id, codes, asked),
        ]
        chosen = next((names.copy().pop() for names in candidates if len(names) == 1), "")
        if not chosen or chosen in found.values():
            continue
        found[question_id] = chosen
        many = sum(chosen in functions(code.tree) for code in codes if not code.untouched)
        if many > 1:
            notes.append(f"`{chosen}` is defined in {many} cells; the last definition counts.")
        if chosen != name:
            notes.append(f"`{chosen}` was taken as your answer `{name}`.")
    return found, notes


def _finished(tree: ast.Module) -> set[str]:
    """Functions and classes at the top level that are no stubs."""
    return set(functions(tree)) - {node.name for node in tree.body if is_stub(node)}


def last_place(codes: list[Code], answer: str) -> int:
    """The last cell with ``def name`` or ``class name``, or else the last that binds the name.

    A loop further down may use the same name for something else, but ``name = other`` with another
    function is a definition. For an expression, this goes by the student's names in it.
    """
    names = _names(answer)
    every = set().union(*(functions(code.tree) for code in codes))
    written = [
        i
        for i, code in enumerate(codes)
        if names & set(functions(code.tree)) or any(rebinds(code.tree, n, every) for n in names)
    ]
    return max(written or (i for i, code in enumerate(codes) if names & code.defined))


def _is_own(call: str, defined: set[str], others: set[str]) -> bool:
    """Whether an expression is made of what the student defines, and not of another's answer."""
    names = _names(call)
    return bool(names & defined) and not names & others


def _names(expression: str) -> set[str]:
    try:
        return names_used(ast.parse(expression, mode="eval"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _by_ids(
    assignment: Assignment, question_id: str, codes: list[Code], asked: set[str]
) -> list[str]:
    """The one function defined in a cell that carries the ids of the answer's cell.

    Or the one class, where the sheet asks for a class.
    """
    given = [c for c in assignment.cells if c.question == question_id and c.role == "answer"]
    if not given:
        return []
    ids = {given[0].grade_id, given[0].cell_id} - {""}
    wants_class = bool(classes(_stub(assignment, question_id)))
    for code in codes:
        cell = code.cell
        if cell.question == question_id or {cell.grade_id, cell.id} & ids:
            offered = {n for n in functions(code.tree) if (n in classes(code.tree)) == wants_class}
            return sorted(offered - asked)
    return []


def _by_shape(
    assignment: Assignment, question_id: str, codes: list[Code], asked: set[str]
) -> set[str]:
    """Functions with the very parameters of the stub, two at least, whatever their name."""
    wanted = functions(_stub(assignment, question_id))
    stubs = {p for n, p in wanted.items() if assignment.names.get(n) == question_id and len(p) >= 2}
    return {
        name
        for code in codes
        for name, parameters in functions(code.tree).items()
        if parameters in stubs and name not in asked
    }


def _stub(assignment: Assignment, question_id: str) -> ast.Module:
    try:
        return ast.parse(assignment.stub(question_id))
    except SyntaxError:
        return ast.Module([], [])
