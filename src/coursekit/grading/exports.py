"""Tables of grades for people, for Canvas and for Moodle, and JUnit XML for everything else.

Every function gives the bytes of a file and depends on nothing but its arguments.

A roster (``--roster FILE``) is a CSV file with a header that says who the students are. The
simplest has a column ``student`` with the ids of the grade book; the gradebook that Canvas exports
and the grading worksheet that Moodle exports are rosters, too, as they are. Columns are known by
these names, in upper or lower case, and others are ignored:

    student         the id that the grade book uses
    name            full name ("Student" in Canvas' file, "Full name" in Moodle's)
    ID              Canvas' number of the person, also in the names of downloaded files
    SIS User ID, SIS Login ID, Section                     as Canvas exports them
    Identifier      "Participant 1234567", Moodle's number, also in the names of downloaded folders
    Email address, Status, Maximum Grade, Grade can be changed,
    Last modified (submission), Last modified (grade)      as Moodle exports them

A line belongs to a student if the id, Canvas' or Moodle's number, the login, the part of the
address before the @, or the name agrees, tried in this order. A column of Canvas' file whose
heading is the assignment's, with the number that Canvas puts behind it, keeps its heading in the
export, so that the import finds the assignment.

A student whose grade is not final (``review`` or ``to mark``) has an empty grade in the two
imports: never a silent zero.
"""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.grading.names import plain_name
from coursekit.grading.overrides import Graded, GradedQuestion
from coursekit.grading.plaintext import one_line, visible
from coursekit.grading.results import number
from coursekit.grading.students import identity
from coursekit.project import CourseError

__all__ = ["Roster", "canvas_csv", "cell", "feedback", "grades_csv", "junit_xml", "moodle_csv"]

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_MOODLE = (
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum Grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
)
_ROSTER_LIMIT = 20_000_000
_CELL_LIMIT = 30_000  # Excel's cells hold 32,767 characters
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
# A program that takes semicolons for separators sees cells begin after each of them.
_START = re.compile(r"(?:^|(?<=;))([\s'\"]*)(?=[^\s'\"])")
_DANGER = "=+-@\u2212"


@dataclass(frozen=True)
class Roster:
    """Who the students are: lines of a CSV file, with lower-case headings."""

    headings: tuple[str, ...] = ()
    people: tuple[Mapping[str, str], ...] = ()
    _found: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> Roster:
        """The roster in a file.

        Raises:
            CourseError: no such file, or no CSV with a header that names people.
        """
        try:
            data = path.read_bytes()[: _ROSTER_LIMIT + 1]
        except OSError as error:
            raise CourseError(f"{path.name} cannot be read: {error.strerror}") from None
        return cls.parse(data, path.name)

    @classmethod
    def parse(cls, data: bytes, name: str) -> Roster:
        """``load`` of the bytes of a file called ``name``."""
        if len(data) > _ROSTER_LIMIT:
            raise CourseError(f"{name} is larger than {_ROSTER_LIMIT // 1_000_000} MB")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")  # what Excel saves as "CSV"
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        except csv.Error as error:
            raise CourseError(f"{name}: no CSV file: {error}") from None
        headings = tuple(one_line(heading) for heading in lines[0]) if lines else ()
        keys = [heading.lower() for heading in headings]
        if not {"student", "name", "full name", "id", "identifier", "sis login id"} & set(keys):
            raise CourseError(
                f"{name}:1: the first line must be a header with one of the columns "
                "student, name, ID, SIS Login ID, Full name or Identifier"
            )
        people = []
        for line in lines[1:]:
            person = {key: one_line(value) for key, value in zip(keys, line, strict=False)}
            if any(person.values()) and not line[0].strip().startswith("Points Possible"):
                people.append(person)
        return cls(headings, tuple(people))

    def person(self, student: str, file: str) -> Mapping[str, str]:
        """The line of a student whose submission is ``file``; empty where the roster has none.

        Where nothing else agrees, a name counts only if nobody else has it.
        """
        if not self._found:
            for kind in ("student", "id", "identifier", "sis login id", "email address", "name"):
                self._index(kind)
        who = identity(file)
        keys = [("student", student)]
        if who.canvas:
            keys.append(("id", who.canvas))
        if who.moodle:
            keys.append(("identifier", who.moodle))
        keys += [(kind, student) for kind in ("sis login id", "email address")]
        keys += [("name", plain_name(name)) for name in (student, who.name)]
        for kind, value in keys:
            found = self._found.get(f"{kind}={value.lower()}")
            if found is not None:
                return found
        return {}

    def _index(self, kind: str) -> None:
        names: dict[str, list[Mapping[str, str]]] = {"": [{}, {}]}
        for person in self.people:
            for value in _values(kind, person):
                names.setdefault(value.lower(), []).append(person)
        self._found[""] = {}
        for value, people in names.items():
            if len(people) == 1:
                self._found[f"{kind}={value}"] = people[0]


def _values(kind: str, person: Mapping[str, str]) -> set[str]:
    """What a line of the roster offers to be found by."""
    value = person.get(kind, "")
    if kind == "identifier":
        match = re.search(r"\d+$", value)
        return {match[0]} if match else set()
    if kind == "email address":
        return {value.partition("@")[0], value} if value else set()
    if kind == "name":
        # Canvas has "Lovelace, Ada" in its table and lovelaceada in its file names.
        given = [person.get(key, "") for key in ("name", "full name", "student")]
        turned = [" ".join(reversed(name.split(",", 1))) for name in given if "," in name]
        return {plain_name(name) for name in given + turned} - {""}
    return {value} if value else set()


def cell(text: str) -> str:
    """A text as a cell that no spreadsheet takes for a formula; in one line.

    A cell that would begin with = + - @ (also full-width or small ones, behind blanks or quotes, or
    after a semicolon) gets an apostrophe there, as spreadsheets themselves write it. Names that
    contain such characters elsewhere, and texts that are numbers, stay as they are.
    """
    text = one_line(text, _CELL_LIMIT)
    if _NUMBER.fullmatch(text):
        return text

    def guard(match: re.Match[str]) -> str:
        follows = text[match.end()]
        dangerous = unicodedata.normalize("NFKC", follows)[:1]
        return f"{match[1]}'" if dangerous and dangerous in _DANGER else match[1]

    return _START.sub(guard, text)


def grades_csv(graded: Sequence[Graded]) -> bytes:
    """The grade book: a line a student, a column a question, points so far and what is open."""
    ids = list(dict.fromkeys(q.result.id for entry in graded for q in entry.questions))
    header = [
        "student",
        *ids,
        "total",
        "possible",
        "percent",
        "pending",
        "status",
        "reason",
        "file",
    ]
    lines: list[list[object]] = [[cell(heading) for heading in header]]
    for entry in graded:
        points = {q.result.id: q.points for q in entry.questions}
        percent = number(round(100 * entry.total / entry.possible, 2)) if entry.possible else None
        reason = "; ".join(entry.row.review) if entry.needs_review else ""
        lines.append(
            [
                cell(entry.student),
                *(points.get(name) for name in ids),
                entry.total,
                entry.possible,
                percent,
                entry.pending,
                entry.status,
                cell(reason),
                cell(entry.row.file),
            ]
        )
    return _csv(lines)


def canvas_csv(
    graded: Sequence[Graded],
    title: str,
    roster: Roster | None = None,
    partial: bool = False,
) -> bytes:
    """The assignment's grades in the form that Canvas' gradebook imports.

    Canvas finds people by ID, else SIS User ID, else SIS Login ID, else name, and the assignment by
    its heading. Without a roster, ID is taken from the names of files downloaded from Canvas.

    Args:
        graded: the class.
        title: the assignment's heading in Canvas; a new assignment is made if it has none such.
        roster: who they are.
        partial: whether students with open questions get the points so far.
    """
    roster = roster or Roster()
    heading = _heading(title, roster)
    possible = max((entry.possible for entry in graded), default=0)
    lines: list[list[object]] = [[*_CANVAS, cell(heading)]]
    lines.append(["    Points Possible", "", "", "", "", possible])
    for entry in graded:
        person = roster.person(entry.student, entry.row.file)
        who = identity(entry.row.file)
        name = person.get("student") or _name(person) or who.name or entry.student
        if "id" not in person and person.get("student", "").lower() == entry.student.lower():
            name = _name(person) or entry.student  # a column of ids, not of Canvas' names
        if "points possible" in name.lower():
            name = entry.student.replace(" ", "_")  # Canvas takes such a line for the maxima
        known = [person.get(key, "") for key in ("id", "sis user id", "sis login id", "section")]
        known[0] = known[0] or who.canvas
        lines.append([cell(name), *map(cell, known), _final(entry, partial)])
    return _csv(lines)


def moodle_csv(
    graded: Sequence[Graded], roster: Roster | None = None, partial: bool = False
) -> bytes:
    """The grades and the feedback in the form of Moodle's grading worksheet.

    Moodle finds people by Identifier alone and skips an empty grade. Without a roster the number is
    taken from the names of folders downloaded from Moodle. A grade given in Moodle since is only
    replaced where the import's box for newer records is ticked. Feedback is HTML.
    """
    roster = roster or Roster()
    lines: list[list[object]] = [list(_MOODLE)]
    for entry in graded:
        person = roster.person(entry.student, entry.row.file)
        who = identity(entry.row.file)
        identifier = f"Participant {who.moodle}" if who.moodle else ""
        maximum = person.get("maximum grade", "")
        lines.append(
            [
                cell(person.get("identifier") or identifier),
                cell(_name(person) or who.name or entry.student),
                cell(person.get("email address", "")),
                cell(person.get("status", "")),
                _final(entry, partial),
                cell(maximum) if maximum else entry.possible,
                cell(person.get("grade can be changed", "") or "Yes"),
                cell(person.get("last modified (submission)", "")),
                cell(person.get("last modified (grade)", "")),
                _html(feedback(entry)),
            ]
        )
    return _csv(lines)


def feedback(entry: Graded) -> str:
    """What a student is told, as plain text of at most a few pages."""
    paragraphs = []
    if entry.status == "final":
        paragraphs.append(f"{entry.total} of {entry.possible} points.")
    else:
        still = f", {entry.pending} still to be marked" if entry.pending else ""
        review = "; a person still looks at this submission" if entry.needs_review else ""
        paragraphs.append(f"{entry.total} of {entry.possible} points so far{still}{review}.")
    paragraphs += [visible(note, 2000) for note in entry.row.notes]
    for question in entry.questions:
        result = question.result
        paragraphs.append(f"{one_line(result.title, 200)} ({result.id}): {_points(question)}")
        if question.points != question.possible and result.message:
            paragraphs.append(visible(result.message, 2000))
        if question.comment:
            paragraphs.append(visible(question.comment))
    if entry.note:
        paragraphs.append(visible(entry.note))
    return visible("\n\n".join(paragraphs), 15_000)


def junit_xml(graded: Sequence[Graded], name: str) -> bytes:
    """JUnit XML: a suite a student, a case a question; not all points is a failure.

    Questions that wait for a person are skipped; crashes and time limits are errors.
    """
    root = ElementTree.Element("testsuites", {"name": _xml(name)})
    totals = [0, 0, 0, 0]
    for entry in graded:
        suite = ElementTree.SubElement(root, "testsuite", {"name": _xml(entry.student)})
        counts = [len(entry.questions), 0, 0, 0]
        for question in entry.questions:
            where = {"classname": _xml(entry.student), "name": _xml(question.result.id)}
            case = ElementTree.SubElement(suite, "testcase", {**where, "time": "0"})
            kind = _outcome(question)
            if kind:
                counts[("failure", "error", "skipped").index(kind) + 1] += 1
                message = visible(question.result.message, 20_000)
                brief = _xml(message.strip().partition("\n")[0]) or question.result.status
                child = ElementTree.SubElement(case, kind, {"message": brief})
                if kind != "skipped":
                    child.set("type", question.result.status)
                    child.text = message
        keys = ("tests", "failures", "errors", "skipped")
        suite.attrib.update({key: str(value) for key, value in zip(keys, counts, strict=True)})
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        if entry.needs_review:
            reason = visible(f"needs review: {'; '.join(entry.row.review)}", 20_000)
            ElementTree.SubElement(suite, "system-out").text = reason
    root.attrib.update(
        {k: str(v) for k, v in zip(("tests", "failures", "errors", "skipped"), totals, strict=True)}
    )
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _outcome(question: GradedQuestion) -> str:
    if question.points is None:
        return "skipped"
    if question.points >= question.possible:
        return ""
    broken = question.by == "checks" and question.result.status in ("timeout", "crashed")
    return "error" if broken else "failure"


def _points(question: GradedQuestion) -> str:
    if question.points is None:
        return f"not marked yet, {question.possible} to have"
    return f"{question.points} of {question.possible}"


def _final(entry: Graded, partial: bool) -> float | None:
    return entry.total if partial or entry.status == "final" else None


def _name(person: Mapping[str, str]) -> str:
    return person.get("name") or person.get("full name") or ""


def _heading(title: str, roster: Roster) -> str:
    """The assignment's column of a roster that Canvas exported: ``title (1234)``."""
    form = re.compile(re.escape(one_line(title)) + r"( \(\d+\))?", re.IGNORECASE)
    known = [heading for heading in roster.headings if form.fullmatch(heading)]
    return known[0] if len(known) == 1 else one_line(title)


def _html(text: str) -> str:
    """Text as HTML for Moodle's editor, in which no program finds a formula either."""
    escaped = html.escape(text).replace("\t", "    ").replace("\n", "<br>")
    return re.sub(r"[=+@|−-]", lambda match: f"&#{ord(match[0])};", escaped)


def _xml(text: str) -> str:
    return one_line(text, 300)


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(lines)
    return file.getvalue().encode("utf-8")
