"""How a student's points came about: what was handed in, found by the checks, and changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from coursekit.grading.incoming.assignment import Assignment
from coursekit.grading.jail import scratch
from coursekit.grading.outgoing import overrides, store
from coursekit.grading.outgoing.overrides import Graded, Overrides
from coursekit.grading.outgoing.store import Run
from coursekit.grading.run import grade, tasks_of
from coursekit.grading.verdict import results
from coursekit.grading.verdict.results import Row
from coursekit.project import CourseError

__all__ = ["lines"]


def lines(out: Path, run: Run, student: str, again: bool = False) -> Iterator[str]:
    """What the instructor should know, line by line.

    Args:
        again: run the submission once more, and show the inputs of the first wrong case, what was
            expected and what came. These are for the instructor: they give the secret cases away.

    Raises:
        CourseError: no such student in the results.
    """
    assignment = run.load_assignment()
    maxima = {question.id: float(question.points) for question in assignment.questions}
    decided = store.decisions(out, run, assignment)
    entry = overrides.apply([_row(out, student)], decided, maxima)[0]
    yield from _summary(entry)
    found = {}
    if again:
        row = _again(out, run, assignment, decided, student)
        found = {question.id: question.message for question in row.questions}
    for question in entry.questions:
        result = question.result
        points = "open" if question.points is None else f"{question.points:g}"
        yield ""
        yield f"{result.id} · {result.title}: {points} of {question.possible:g} ({result.status})"
        if question.by != "checks":
            yield f"  marked by {question.by}; the checks gave {result.points}"
        if result.misconception:
            yield f"  misconception: {result.misconception}"
        message = found.get(result.id, result.message)
        yield from (f"  {line}" for line in message.splitlines())
        if question.comment:
            yield f"  comment: {question.comment}"


def _row(out: Path, student: str) -> Row:
    rows = {row.student: row for row in results.read(out / "results.jsonl")}
    if student not in rows:
        near = difflib.get_close_matches(student, list(rows), n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "grades.csv has their names"
        raise CourseError(f"no student {student!r} in {out}: {hint}")
    return rows[student]


def _again(out: Path, run: Run, assignment: Assignment, decided: Overrides, student: str) -> Row:
    """The row of a new run of one submission, whose messages show the secret cases."""
    chosen = decided.chosen
    place = Path(run.submissions)
    if student not in {task.student for task in tasks_of(place, assignment, chosen, out)}:
        raise CourseError(f"{student} has no submission any more in {place}")
    with scratch.folder() as folder:
        (row,) = grade(
            place,
            assignment,
            folder,
            seed=run.seed,
            jobs=1,
            level=run.level,
            limits=run.limits(),
            chosen=chosen,
            only=student,
            open_cases=True,
            hidden=(out,),
        )
    return row


def _summary(entry: Graded) -> Iterator[str]:
    row = entry.row
    yield f"{row.student}: {entry.total:g} of {entry.possible:g} points, {entry.status}"
    yield f"file {row.file}, checksum {row.sha256[:16]}…, sandbox {row.level}, cases {row.seed}"
    yield from (f"look: {reason}" for reason in row.review)
    yield from (f"note: {note}" for note in row.notes)
    for change in entry.changes:
        before = "" if change.before is None else f" from {change.before}"
        yield f"changed: {change.what}{before} to {change.after} ({change.by})"
