"""A submission aligned with its sheet: what is run, in which order, and which name is whose answer.

Students shuffle, copy, split and delete cells, and Colab drops ids and metadata. So an answer is
looked for by what it *defines*, then by what the student's own check cell calls, then by the ids of
the cell, then by the shape of the function. All code of the student is run, in the student's order,
because an answer may use helpers; the sheet's own cells are run from the sheet.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from functools import cache, cached_property

from coursekit.grading.incoming.align import Code, align, last_place
from coursekit.grading.incoming.assignment import (
    Assignment,
    names_defined,
    names_used,
    normal,
    strings,
)
from coursekit.grading.incoming.ingest import Cell, Submission
from coursekit.grading.incoming.pictures import Picture
from coursekit.grading.incoming.source import (
    checks,
    definitions,
    functions,
    is_check,
    is_installed,
    is_stub,
    only_defines,
    only_words,
    packages,
    readable,
)
from genbook.checks import slugs

__all__ = ["Plan", "Step", "merge"]

_PLACE = "*Write here.*"
_TEXT_MAGIC = re.compile(r"\s*%%(?:markdown|latex)\b[^\n]*\n", re.IGNORECASE)
_BEGINS = re.compile(r"^[ \t>.]*(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_QUESTION = re.compile(r"^#+\s*Question\s+(\d+)\b", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """A cell to run. ``role``: "given", "student" or "check".

    Attributes:
        tree: of a student's cell.
        experiment: whether it is a student's cell that defines no function.
        name: for a check, the name (or expression) under which the student's answer is found.
        again: "" for a check where the answer stands; "all" for one in a new kernel in which every
            cell has been run, "definitions" for one in which nothing else has.
    """

    role: str
    source: str = ""
    tree: ast.Module | None = field(default=None, repr=False, compare=False)
    experiment: bool = False
    question: str = ""
    name: str = ""
    again: str = ""

    @cached_property
    def fallback(self) -> str:
        """The definitions of a student's cell, for when the cell as a whole fails."""
        return definitions(self.tree) if self.tree is not None else ""


@dataclass
class Plan:
    """What to do with a submission.

    Attributes:
        steps: in the order in which they run.
        texts: answers to explain-questions, as the student wrote them.
        pictures: what was pasted into these, or drawn below; they are mentioned in the texts.
        silent: whether the student wrote no words anywhere, so that an empty answer is no answer
            and not one that stands elsewhere.
        plain: whether the student's cells do nothing but define; else they may spoil answers.
        weights: outputs in which trained networks may be embedded.
        untouched: questions whose answer is the code that was given to be repaired.
        unread: questions with an answer that is no code as it stands, and what is wrong with it.
        absent: packages that the student's code imports and that are not installed.
        notes: what the student should know; review: why a person should look.
    """

    steps: list[Step] = field(default_factory=list)
    plain: bool = True
    texts: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, tuple[Picture, ...]] = field(default_factory=dict)
    silent: bool = False
    weights: list[str] = field(default_factory=list)
    untouched: set[str] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    review: list[str] = field(default_factory=list)


def merge(assignment: Assignment, submission: Submission) -> Plan:
    """The plan for a submission. Never raises, whatever the cells contain."""
    # Where something of the file was lost, that may have been words.
    plan = Plan(notes=list(submission.problems), silent=not submission.problems)
    if submission.salvaged or not submission.readable:
        plan.review += submission.problems
    codes: list[Code] = []
    called: dict[str, list[str]] = {}
    for cell in submission.cells:
        if cell.kind == "code" and cell.source.strip():
            _take(assignment, cell, codes, called, plan)
        elif cell.kind == "markdown" and cell.pictures:
            plan.silent = False
        elif cell.source.replace(_PLACE, "").strip() and not _is_known(assignment, cell):
            plan.silent = False
            _mislaid(assignment, cell, plan)
    # What was given to be repaired is an answer only where there is no other.
    answered = set().union(*(code.defined for code in codes if not code.untouched))
    answered &= set(assignment.names)
    codes.sort(key=lambda code: not (code.untouched and code.defined & answered))
    names, notes = align(assignment, codes, called)
    plan.notes += notes
    plan.texts, plan.pictures = _texts(assignment, submission)
    _note_other_sheets(assignment, submission, bool(names), called, plan)
    plan.weights = [text for cell in submission.cells for text in cell.weights]
    last = {question: last_place(codes, name) for question, name in names.items()}
    plan.untouched = {question for question, i in last.items() if codes[i].untouched}
    plan.steps = _order(assignment, codes, names, last)
    plan.plain = all(only_defines(code.tree) for code in codes)
    imported = sorted(set().union(*(packages(code.tree) for code in codes)))
    plan.absent = [name for name in imported if not is_installed(name)]
    return plan


# --- Which cells are the student's ---------------------------------------------------------------


def _take(
    assignment: Assignment, cell: Cell, codes: list[Code], called: dict[str, list[str]], plan: Plan
) -> None:
    """Sort one code cell: the sheet's own, a check, an untouched stub, or the student's."""
    written = _without_setup(assignment, cell.source)
    plain = normal(written)
    if not plain:
        return
    known = plain in assignment.known
    source, tree, dropped = _given_code(plain) if known else readable(written)
    defined, asked = names_defined(tree), set(assignment.names)
    for question_id, answer in _given_checks(plain) if known else checks(tree):
        called.setdefault(question_id, []).append(answer)
    if not known and (dropped or _says_something(assignment, source, tree)):
        plan.silent = False
    if dropped:
        plan.notes.append(
            f"A cell has a syntax error in line {dropped}; the parts of it that are valid were run."
        )
        for question_id in _answers_in(assignment, cell):
            plan.unread[question_id] = (
                f"Python cannot read your answer: there is a syntax error in line {dropped} of its "
                "cell."
            )
    if (known and not defined & asked) or all(
        is_check(node) or (is_stub(node) and node.name in asked) for node in tree.body
    ):
        return
    given = (part.source for part in assignment.cells if part.role == "answer")
    untouched = plain in map(normal, given)
    codes.append(Code(cell, source, tree, defined, untouched))


def _mislaid(assignment: Assignment, cell: Cell, plan: Plan) -> None:
    """Say of an answer in a cell of text that it is there; whether it counts, a person says."""
    for question_id in _answers_in(assignment, cell):
        if f"def {assignment.by_id[question_id].name}" in cell.source or "class " in cell.source:
            plan.unread[question_id] = (
                "Your answer stands in a cell of text, which is not run: make it a code cell."
            )


def _answers_in(assignment: Assignment, cell: Cell) -> list[str]:
    """The questions to which a cell that Python cannot read seems to be the answer."""
    begun = set(_BEGINS.findall(cell.source))
    named = [question for name, question in assignment.names.items() if name in begun]
    if named:
        return named
    ids = {cell.id, cell.grade_id} - {""}
    return [
        given.question
        for given in assignment.cells
        if given.role == "answer"
        and given.question in assignment.names.values()
        and (given.question == cell.question or {given.cell_id, given.grade_id} & ids)
    ]


def _says_something(assignment: Assignment, source: str, tree: ast.Module) -> bool:
    """Whether there may be words in a code cell that the sheet has not.

    That is a comment, a string of some words, a magic for text, or a cell that computes nothing.
    """
    known = assignment.own_words
    return (
        only_words(tree)
        or source.lstrip().startswith("%%")
        or any("#" in line and line.strip() not in known for line in source.splitlines())
        or any(len(text.split()) > 2 and text not in known for text in strings(tree))
    )


def _without_setup(assignment: Assignment, source: str) -> str:
    """A cell's source without the sheet's set-up at its top, below which students add their own."""
    known = next((cell.source for cell in assignment.cells if cell.role == "setup"), "")
    wanted, lines = normal(known).split("\n"), source.split("\n")
    if not known:
        return source
    while wanted and lines:
        line = lines.pop(0).rstrip()
        if line and line != wanted.pop(0):
            return source
    return source if wanted else "\n".join(lines)


# --- Which sheet it is ---------------------------------------------------------------------------


def _note_other_sheets(
    assignment: Assignment,
    submission: Submission,
    answered: bool,
    called: dict[str, list[str]],
    plan: Plan,
) -> None:
    """Say where a notebook is another sheet, an older one, or none: no zeros without a word."""
    if not submission.readable or not submission.cells:
        return
    every = {cell.question for cell in submission.cells} | called.keys() - {""}
    mine = {name for name in every if name.partition(".")[0] == assignment.slug}
    others = {name.partition(".")[0] for name in every - mine if name} & set(slugs())
    gone = sorted(mine - assignment.by_id.keys())
    own = {normal(c.source) for c in assignment.cells if c.role != "setup"} - {""}
    if others and not mine:
        words = f"This is the sheet on {', '.join(sorted(others))}, and not on {assignment.slug}."
    elif others:
        words = f"There is another sheet in this notebook, too: {', '.join(sorted(others))}."
    elif gone:
        words = f"This sheet does not ask {', '.join(gone[:5])}: is it an older one?"
    elif not (mine or answered or own & {normal(cell.source) for cell in submission.cells}):
        words = f"Nothing of the sheet on {assignment.slug} was found in this notebook."
    else:
        return
    plan.notes.append(words)
    plan.review.append(words)


# --- In which order ------------------------------------------------------------------------------


def _order(
    assignment: Assignment, codes: list[Code], names: dict[str, str], last: dict[str, int]
) -> list[Step]:
    """Given cells, then the student's; each answer is tried after the last cell that defines it.

    What is not right by then is tried again after all cells, if these have something for it, and
    again with the definitions alone.
    """
    steps = _given(assignment, codes)
    for i, code in enumerate(codes):
        own = not functions(code.tree)
        steps.append(Step("student", code.source, code.tree, experiment=own))
        steps += [_check(q, names[q]) for q in names if last[q] == i]
    if not all(code.untouched for code in codes):
        steps += [_check(q, name) for q, name in _hidden(assignment, names, steps)]
    for question, name in names.items():
        before, below = codes[: last[question] + 1], codes[last[question] + 1 :]
        used = set().union(*(code.used for code in before))
        if used & set().union(*(code.defined for code in below)):
            steps.append(_check(question, name, "all"))
    return steps + [_check(question, name, "definitions") for question, name in names.items()]


def _hidden(
    assignment: Assignment, names: dict[str, str], steps: list[Step]
) -> list[tuple[str, str]]:
    """Questions whose answers no cell shows, and their names: ``%run mine.py``, ``import *``.

    Where there is no such name, that is what the check will say.
    """
    given = (_given_code(step.source)[1] for step in steps if step.role == "given")
    taken = set().union(*map(names_defined, given))
    asked = ((question, name) for name, question in assignment.names.items())
    return [(q, name) for q, name in asked if q not in names and name not in taken]


def _check(question: str, name: str, again: str = "") -> Step:
    return Step("check", question=question, name=name, again=again)


def _given(assignment: Assignment, codes: list[Code]) -> list[Step]:
    """The sheet's cells before its first answer, and later ones that the student relies on.

    A later cell may rely on others in turn.
    """
    asked, begun = frozenset(assignment.names), False
    needed = set().union(*(code.used for code in codes))
    needed -= set().union(*(code.defined for code in codes))
    first: dict[int, str] = {}
    later: dict[int, tuple[str, set[str], set[str]]] = {}
    for i, cell in enumerate(assignment.cells):
        begun = begun or cell.role == "answer"
        if cell.role != "code":
            continue
        if not begun:
            first[i], _, _ = _given_code(cell.source)
        else:
            later[i] = _later(cell.source, asked)
    while found := [i for i, (_, defined, _) in later.items() if defined & needed]:
        for i in found:
            first[i], _, used = later.pop(i)
            needed |= used
    return [Step("given", first[i]) for i in sorted(first)]


@cache
def _given_code(source: str) -> tuple[str, ast.Module, int]:
    """``readable`` of a cell of the sheet, which is the same for the whole class."""
    return readable(source)


@cache
def _given_checks(source: str) -> list[tuple[str, str]]:
    return checks(_given_code(source)[1])


@cache
def _later(source: str, asked: frozenset[str]) -> tuple[str, set[str], set[str]]:
    """What is run of a given cell below the first answer; the names it defines, and those it uses.

    Of a cell that calls an answer, nothing but its definitions.
    """
    source, tree, _ = _given_code(source)
    source = definitions(tree) if names_used(tree) & asked else source
    body = ast.parse(source)
    return source, names_defined(body), names_used(body)


# --- Answers in words ----------------------------------------------------------------------------


def _texts(
    assignment: Assignment, submission: Submission
) -> tuple[dict[str, str], dict[str, tuple[Picture, ...]]]:
    """The answers to explain-questions: by id, else what the student wrote below the heading.

    And the pictures in these cells, which the texts name in their order.
    """
    found, seen = {}, {}
    numbers = {q.id: i for i, q in enumerate(assignment.questions, 1)}
    for given in (cell for cell in assignment.cells if cell.role == "manual"):
        if given.question in assignment.by_id:
            number, texts = numbers[given.question], _own_texts(assignment, submission)
            marked = [
                (cell, text)
                for cell, _, text in texts
                if cell.question == given.question or cell.grade_id == given.grade_id
            ]
            cells = [*marked, *((cell, text) for cell, at, text in texts if at == number)]
            pictures = tuple(
                dict.fromkeys(picture for cell, _ in cells for picture in cell.pictures)
            )
            parts = [text for _, text in cells if text]
            parts += [f"[{i}: {picture.words}]" for i, picture in enumerate(pictures, 1)]
            found[given.question] = "\n\n".join(dict.fromkeys(parts))
            seen[given.question] = pictures
    return found, seen


def _own_texts(assignment: Assignment, submission: Submission) -> list[tuple[Cell, int, str]]:
    """Cells in which the student wrote, the number of the question above, and what was written."""
    number, found = 0, []
    for cell in submission.cells:
        if cell.kind != "markdown":
            if typed := _TEXT_MAGIC.match(cell.source):
                text = cell.source[typed.end() :].replace(_PLACE, "").strip()
                found.append((cell, number, text))
            elif cell.pictures:
                found.append((cell, number, ""))
            continue
        headings = _QUESTION.findall(cell.source)
        number = int(headings[-1]) if headings else number
        text = cell.source.replace(_PLACE, "").strip()
        if headings:
            text = _typed_below(assignment, text)
        if (text or cell.pictures) and not (_is_known(assignment, cell) and not cell.pictures):
            found.append((cell, number, text))
    return found


def _typed_below(assignment: Assignment, text: str) -> str:
    """What stands in a cell below one of the sheet's own texts; all, if these were changed."""
    own = (cell.source.strip() for cell in assignment.cells if cell.role == "text")
    above = max((source for source in own if text.startswith(source)), key=len, default="")
    return text.removeprefix(above).strip()


def _is_known(assignment: Assignment, cell: Cell) -> bool:
    return normal(cell.source) in assignment.known
