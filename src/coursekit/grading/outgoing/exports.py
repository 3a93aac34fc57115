"""Tables of grades for people, for Canvas and for Moodle, and JUnit XML for everything else.

Every function gives the bytes of a file and depends on nothing but its arguments.

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

from coursekit.grading.incoming.names import identity
from coursekit.grading.incoming.plaintext import one_line, visible
from coursekit.grading.incoming.roster import Roster
from coursekit.grading.outgoing.overrides import Graded, GradedQuestion
from coursekit.grading.verdict.results import number

__all__ = [
    "canvas_csv",
    "cell",
    "feedback",
    "grades_csv",
    "junit_xml",
    "moodle_csv",
    "strangers",
]

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
_CELL_LIMIT = 30_000  # Excel's cells hold 32,767 characters
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
# A program that takes semicolons for separators sees cells begin after each of them.
_START = re.compile(r"(?:^|(?<=;))([\s'\"]*)(?=[^\s'\"])")
_DANGER = "=+-@\u2212"


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
        known = [*_canvas(entry, roster), person.get("section", "")]
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
        maximum = person.get("maximum grade", "")
        lines.append(
            [
                cell(_moodle(entry, roster)),
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


def strangers(graded: Sequence[Graded], roster: Roster | None = None) -> dict[str, list[str]]:
    """By file, the students whom an import may not find: without the numbers it knows people by.

    Where nobody has a number of one platform, the class is on the other, and that is no news.
    Where nobody has one of either, that is the news, and both files have the whole class.
    """
    roster = roster or Roster()
    without = {
        "canvas.csv": [e.student for e in graded if not any(_canvas(e, roster))],
        "moodle.csv": [e.student for e in graded if not _moodle(e, roster)],
    }
    used = {name: missing for name, missing in without.items() if len(missing) < len(graded)}
    return {name: missing for name, missing in (used or without).items() if missing}


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
    if question.possible == 0:
        return "it does not count"
    if question.points is None:
        return f"not marked yet, {question.possible} to have"
    return f"{question.points} of {question.possible}"


def _final(entry: Graded, partial: bool) -> float | None:
    return entry.total if partial or entry.status == "final" else None


def _canvas(entry: Graded, roster: Roster) -> list[str]:
    """ID, SIS User ID and SIS Login ID, as far as they are known."""
    person = roster.person(entry.student, entry.row.file)
    number = person.get("id") or identity(entry.row.file).canvas
    return [number, person.get("sis user id", ""), person.get("sis login id", "")]


def _moodle(entry: Graded, roster: Roster) -> str:
    """Moodle's Identifier, if it is known."""
    known = roster.person(entry.student, entry.row.file).get("identifier", "")
    number = identity(entry.row.file).moodle
    return known or (f"Participant {number}" if number else "")


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
