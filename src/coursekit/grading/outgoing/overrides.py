"""What a person decided: one YAML file beside the submissions, applied on top of every run.

The file is written by hand, and everything in it is optional::

    points: {ddim.step: 5}        # another maximum; 0 drops the question
    students:
      ada:
        of: 3fa9c1d2                             # the file you looked at: its checksum
        questions: {ddim.explain: 2}             # marks; they win over the checks
        comments: {ddim.explain: "Good, but why does it hold for t = T?"}
        reviewed: true                           # somebody has looked at what needed review
        note: "regraded after office hours"      # the student reads it
        submission: ada_late.ipynb               # which of several files counts

A name that is not known is an error with its line and the nearest known one. Nothing here writes
the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from coursekit.grading.incoming.handwritten import LIMIT, Reader, is_empty, nearest, short
from coursekit.grading.verdict.results import QuestionResult, Row, number
from coursekit.project import CourseError

__all__ = [
    "Change",
    "Graded",
    "GradedQuestion",
    "Overrides",
    "StudentOverride",
    "apply",
    "checksum",
    "load",
    "parse",
]

_SECTIONS = ("points", "students")
_KEYS = ("of", "questions", "comments", "reviewed", "note", "submission")
_CHECKSUM = re.compile("[0-9a-f]{8,64}")


@dataclass(frozen=True)
class StudentOverride:
    """The entry of one student. ``of`` begins the SHA-256 of the file that it is about."""

    questions: Mapping[str, float] = field(default_factory=dict)
    comments: Mapping[str, str] = field(default_factory=dict)
    reviewed: bool = False
    note: str = ""
    submission: str | None = None
    of: str = ""


@dataclass(frozen=True)
class Overrides:
    """The whole file. ``name`` is what it is called in messages and in the record of changes."""

    points: Mapping[str, float] = field(default_factory=dict)
    students: Mapping[str, StudentOverride] = field(default_factory=dict)
    name: str = "overrides.yml"

    @property
    def chosen(self) -> dict[str, str]:
        """Which of several files counts, by student, where a person has said so."""
        every = self.students.items()
        return {name: s.submission for name, s in every if s.submission is not None}


@dataclass(frozen=True)
class Change:
    """Something that is not as the checks left it, and the entry of the file that says so."""

    what: str
    before: float | str | None
    after: float | str | None
    by: str


@dataclass(frozen=True)
class GradedQuestion:
    """A question with its final points; None while a person still has to mark it.

    ``by`` is "checks" or "instructor", who gave the points.
    """

    result: QuestionResult
    points: float | None
    possible: float
    by: str
    comment: str = ""


@dataclass(frozen=True)
class Graded:
    """A row with everything that a person decided."""

    row: Row
    questions: tuple[GradedQuestion, ...]
    changes: tuple[Change, ...] = ()
    reviewed: bool = False
    note: str = ""

    @property
    def student(self) -> str:
        """The id."""
        return self.row.student

    @property
    def total(self) -> float:
        """The points so far, without those that a person still has to give."""
        return _sum(question.points or 0 for question in self.questions)

    @property
    def possible(self) -> float:
        """The most there is to have in all questions."""
        return _sum(question.possible for question in self.questions)

    @property
    def pending(self) -> float:
        """The most that a person may still give."""
        return _sum(q.possible for q in self.questions if q.points is None)

    @property
    def needs_review(self) -> bool:
        """Whether a person must look and has not yet."""
        return self.row.status == "review" and not self.reviewed

    @property
    def status(self) -> str:
        """ "review", "to mark" or "final"."""
        if self.needs_review:
            return "review"
        return "to mark" if any(q.points is None for q in self.questions) else "final"


def load(
    path: Path, questions: Mapping[str, float], files: Mapping[str, Collection[str]]
) -> Overrides:
    """The overrides of a file; none where there is no file.

    Args:
        path: the YAML file.
        questions: the maximum of every question of the assignment.
        files: the submitted files of every student.

    Raises:
        CourseError: anything unknown or impossible; the message has file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except FileNotFoundError:
        return Overrides(name=path.name)
    except OSError as error:
        raise CourseError(f"{path.name} cannot be read: {error.strerror}") from None
    return parse(data, path.name, questions, files)


def parse(
    data: bytes, name: str, questions: Mapping[str, float], files: Mapping[str, Collection[str]]
) -> Overrides:
    """``load`` of the bytes of a file called ``name``."""
    reader = Reader(name)
    root = reader.compose(data)
    points: dict[str, float] = {}
    students: dict[str, StudentOverride] = {}
    sections = dict(reader.entries(root, "key", _SECTIONS)) if root is not None else {}
    if "points" in sections:
        for key, node in reader.entries(sections["points"], "question", questions):
            points[key] = reader.number(node, key)
    maxima = {**questions, **points}
    if "students" in sections:
        for student, node in reader.entries(sections["students"], "student", files):
            students[student] = _student(reader, node, maxima, files[student])
    return Overrides(points, students, name)


def checksum(row: Row) -> str:
    """What ``of`` is for the file of a row."""
    return row.sha256[:8]


def apply(
    rows: Sequence[Row], overrides: Overrides, questions: Mapping[str, float]
) -> list[Graded]:
    """The final points of every row, in the same order. Pure: the same input, the same result.

    A changed maximum scales what the checks gave; marks of a person are points of the new maximum.
    An entry that is ``of`` another file keeps its marks, and a person must look again.

    Args:
        rows: one a student.
        overrides: what a person decided.
        questions: the maximum of every question, for those that a row lacks.
    """
    return [_apply(row, overrides, questions) for row in rows]


def _apply(row: Row, overrides: Overrides, questions: Mapping[str, float]) -> Graded:
    entry = overrides.students.get(row.student, StudentOverride())
    reviewed = entry.reviewed
    if not row.sha256.startswith(entry.of):
        now = f"the file is another one now: look again, then write of: {checksum(row)}"
        decided = f"your decisions are of {entry.of}, and {now}"
        row = replace(row, status="review", review=(*row.review, decided))
        reviewed = False
    changes: list[Change] = []
    graded = []
    for result in row.questions:
        possible = overrides.points.get(result.id, questions.get(result.id, result.possible))
        points, by = result.points, "checks"
        if points is not None:
            points = points / result.possible * possible if result.possible else 0
        elif possible == 0:
            points = 0  # a dropped question waits for nobody
        if result.id in overrides.points:
            where = f"{overrides.name}: points: {result.id}"
            changes.append(Change(f"maximum of {result.id}", result.possible, possible, where))
        if result.id in entry.questions:
            where = f"{overrides.name}: students: {row.student}: questions: {result.id}"
            changes.append(Change(result.id, number(points), entry.questions[result.id], where))
            points, by = entry.questions[result.id], "instructor"
        comment = entry.comments.get(result.id, "")
        graded.append(GradedQuestion(result, number(points), number(possible) or 0, by, comment))
    where = f"{overrides.name}: students: {row.student}"
    if reviewed and row.status == "review":
        changes.append(Change("status", "review", "reviewed", f"{where}: reviewed"))
    if entry.submission is not None:
        changes.append(Change("submission", None, entry.submission, f"{where}: submission"))
    return Graded(row, tuple(graded), tuple(changes), reviewed, entry.note)


def _student(
    reader: Reader, node: yaml.Node, maxima: Mapping[str, float], files: Collection[str]
) -> StudentOverride:
    entry = dict(reader.entries(node, "key", _KEYS))
    marks: dict[str, float] = {}
    comments: dict[str, str] = {}
    if "questions" in entry:
        for key, value in reader.entries(entry["questions"], "question", maxima):
            if is_empty(value):
                continue  # copied from to_mark.yml, and not marked yet
            marks[key] = reader.number(value, key)
            if marks[key] > maxima[key]:
                most, given = number(maxima[key]), number(marks[key])
                message = f"{key} is worth {most} points, so it cannot get {given}"
                raise reader.fail(value, f"{message}. A higher maximum is set under 'points:'.")
    if "comments" in entry:
        for key, value in reader.entries(entry["comments"], "question", maxima):
            comments[key] = reader.text(value, f"the comment on {key}")
    chosen = None
    if "submission" in entry:
        chosen = reader.text(entry["submission"], "submission")
        if chosen not in files:
            message = f"'{short(chosen)}' is not among this student's files"
            raise reader.fail(entry["submission"], f"{message}. {nearest(chosen, files)}")
    reviewed = False
    if "reviewed" in entry and not is_empty(entry["reviewed"]):  # empty as in to_mark.yml
        reviewed = reader.boolean(entry["reviewed"], "reviewed")
    of = reader.text(entry["of"], "of").lower() if "of" in entry else ""
    if "of" in entry and not _CHECKSUM.fullmatch(of):
        raise reader.fail(entry["of"], "'of' is a checksum as to_mark.yml has it: 8 digits or more")
    note = reader.text(entry["note"], "note") if "note" in entry else ""
    return StudentOverride(marks, comments, reviewed, note, chosen, of)


def _sum(values: Iterator[float]) -> float:
    return number(sum(values)) or 0
